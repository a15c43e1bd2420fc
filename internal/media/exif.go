package media

import (
	"bytes"
	"encoding/binary"
)

// orientation finds out how a camera was held; 1, upright, if nothing says so.
func orientation(b []byte, mime string) int {
	var exif []byte
	switch mime {
	case "image/jpeg":
		exif = exifOfJPEG(b)
	case "image/png":
		exif = exifOfPNG(b)
	case "image/webp":
		exif = exifOfWebP(b)
	}
	return orientationOf(bytes.TrimPrefix(exif, []byte("Exif\x00\x00")))
}

// exifOfJPEG walks the segments before the picture (ITU-T T.81, annex B).
func exifOfJPEG(b []byte) []byte {
	for b = b[2:]; len(b) >= 4 && b[0] == 0xFF; {
		marker := b[1]
		switch {
		case marker == 0xFF: // padding
			b = b[1:]
			continue
		case marker == 0xDA, marker == 0xD9: // the picture; the end
			return nil
		}
		n := int(binary.BigEndian.Uint16(b[2:]))
		if n < 2 || len(b) < 2+n {
			return nil
		}
		if body := b[4 : 2+n]; marker == 0xE1 && bytes.HasPrefix(body, []byte("Exif\x00\x00")) {
			return body
		}
		b = b[2+n:]
	}
	return nil
}

// exifOfPNG looks for the chunk eXIf (PNG specification, third edition, 11.3.4.5).
func exifOfPNG(b []byte) []byte {
	for b = b[8:]; len(b) >= 12; {
		n := int64(binary.BigEndian.Uint32(b))
		if n > int64(len(b)-12) {
			return nil
		}
		if string(b[4:8]) == "eXIf" {
			return b[8 : 8+n]
		}
		b = b[12+n:]
	}
	return nil
}

// exifOfWebP looks for the chunk EXIF (RFC 9649, section 2.7).
func exifOfWebP(b []byte) []byte {
	for b = b[12:]; len(b) >= 8; {
		n := int64(binary.LittleEndian.Uint32(b[4:]))
		if n > int64(len(b)-8) {
			return nil
		}
		if string(b[:4]) == "EXIF" {
			return b[8 : 8+n]
		}
		b = b[min(8+n+n%2, int64(len(b))):]
	}
	return nil
}

// orientationOf reads tag 0x0112 of the first directory of a TIFF header
// (TIFF 6.0, section 2).
func orientationOf(b []byte) int {
	const upright = 1
	if len(b) < 8 {
		return upright
	}
	var order binary.ByteOrder
	switch string(b[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return upright
	}
	at := int64(order.Uint32(b[4:]))
	if at < 8 || at+2 > int64(len(b)) {
		return upright
	}
	n := int(order.Uint16(b[at:]))
	for entry := b[at+2:]; n > 0 && len(entry) >= 12; n, entry = n-1, entry[12:] {
		if order.Uint16(entry) != 0x0112 {
			continue
		}
		if v := int(order.Uint16(entry[8:])); v >= 1 && v <= 8 {
			return v
		}
		return upright
	}
	return upright
}
