package record

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// vectors were made with the reference implementation: @atproto/lex-cbor
// 0.0.15, @atproto/lex-data 0.0.14 and @atproto/lex-json 0.0.14.
type vectors struct {
	Records []struct {
		Record json.RawMessage
		Hex    string
		CID    string
	}
	Blobs []struct{ Text, CID string }
}

func load(t *testing.T) vectors {
	t.Helper()
	raw, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Records) < 9 || len(v.Blobs) < 3 {
		t.Fatalf("only %d records and %d blobs in the vectors", len(v.Records), len(v.Blobs))
	}
	return v
}

func TestEncodeAgreesWithTheReference(t *testing.T) {
	t.Parallel()
	for i, v := range load(t).Records {
		x, err := FromJSON(v.Record)
		if err != nil {
			t.Fatalf("record %d: %v", i, err)
		}
		b, err := Encode(x)
		if err != nil {
			t.Fatalf("record %d: %v", i, err)
		}
		if got := hex.EncodeToString(b); got != v.Hex {
			t.Errorf("record %d is\n %s, want\n %s", i, got, v.Hex)
		}
		if got, _ := CID(x); got != v.CID {
			t.Errorf("record %d has CID %s, want %s", i, got, v.CID)
		}
	}
}

func TestBlobCIDAgreesWithTheReference(t *testing.T) {
	t.Parallel()
	for _, v := range load(t).Blobs {
		digest := sha256.Sum256([]byte(v.Text))
		got := BlobCID(digest)
		if got != v.CID {
			t.Errorf("blob of %d bytes: %s, want %s", len(v.Text), got, v.CID)
		}
		back, err := BlobDigest(got)
		if err != nil || back != digest {
			t.Errorf("BlobDigest(%s) = %x, %v", got, back, err)
		}
	}
	if _, err := BlobDigest(load(t).Records[0].CID); err == nil {
		t.Error("the CID of a record passes for that of a blob")
	}
}

func TestWhatCannotBeARecord(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"fraction":        `{"n":1.5}`,
		"exponent":        `{"n":1e3}`,
		"beyond 64 bits":  `{"n":9223372036854775808}`,
		"two values":      `{} {}`,
		"cut off":         `{"a":`,
		"too deep":        strings.Repeat("[", 200) + strings.Repeat("]", 200),
		"bad link":        `{"a":{"$link":"Qmabc"}}`,
		"link in capital": `{"a":{"$link":"BAFYREIA4G24GPGQAKLCJ7TOOJRWE7KCQVNMKHF6G5THJSGBOCWXNHA6CHQ"}}`,
		"bad base64":      `{"a":{"$bytes":"*"}}`,
	} {
		if v, err := FromJSON([]byte(raw)); err == nil {
			t.Errorf("%s: read as %v", name, v)
		}
	}
	for name, v := range map[string]any{
		"float": map[string]any{"n": 1.5}, "no UTF-8": "a\xff", "key no UTF-8": map[string]any{"\xff": nil}, "struct": struct{}{},
	} {
		if _, err := Encode(v); err == nil {
			t.Errorf("%s: encoded", name)
		}
	}
}

// anyRecord draws values of the data model.
func anyRecord(depth int) *rapid.Generator[any] {
	leaf := []*rapid.Generator[any]{
		rapid.Just[any](nil), rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.Map(rapid.Int64(), func(n int64) any { return n }),
		rapid.Map(rapid.String(), func(s string) any { return s }),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) any { return Bytes(b) }),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) any { return Link(BlobCID(sha256.Sum256(b))) }),
	}
	if depth == 0 {
		return rapid.OneOf(leaf...)
	}
	inner := rapid.Deferred(func() *rapid.Generator[any] { return anyRecord(depth - 1) })
	return rapid.OneOf(append(leaf,
		rapid.Map(rapid.SliceOfN(inner, 0, 4), func(l []any) any { return l }),
		rapid.Map(rapid.MapOfN(rapid.StringMatching(`[a-z$é]{0,5}`), inner, 0, 4), func(m map[string]any) any { return m }),
	)...)
}

func TestJSONKeepsTheCID(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := anyRecord(3).Draw(t, "record")
		want, err := CID(v)
		if err != nil {
			t.Fatalf("CID: %v", err)
		}
		raw, err := ToJSON(v)
		if err != nil {
			t.Fatalf("ToJSON: %v", err)
		}
		back, err := FromJSON(raw)
		if err != nil {
			t.Fatalf("FromJSON(%s): %v", raw, err)
		}
		if got, err := CID(back); err != nil || got != want {
			t.Fatalf("through %s the CID became %s (%v), want %s", raw, got, err, want)
		}
	})
}

func TestTID(t *testing.T) {
	t.Parallel()
	// Made with @atproto/common-web 0.4.
	for _, v := range []struct {
		micros int64
		clock  uint16
		want   string
	}{
		{1700000000000000, 0, "3ke6kg3wk2222"},
		{1700000000000001, 1, "3ke6kg3wk2323"},
		{1795329830000000, 31, "3n2uzagf7g22z"},
		{1795329830000123, 1023, "3n2uzagf7jvzz"},
		{9007199254740991, 0, "bzzzzzzzzzz22"},
	} {
		got := TID(v.micros, v.clock)
		if got != v.want {
			t.Errorf("TID(%d, %d) = %s, want %s", v.micros, v.clock, got, v.want)
		}
		if back, err := ParseTID(got); err != nil || back != v.micros {
			t.Errorf("ParseTID(%s) = %d, %v", got, back, err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Uint64Range(0, 1<<63-1).Draw(t, "a"), rapid.Uint64Range(0, 1<<63-1).Draw(t, "b")
		x, y := TIDOf(a), TIDOf(b)
		if !ValidTID(x) || (a < b) != (x < y) {
			t.Fatalf("TIDs of %d and %d are %s and %s", a, b, x, y)
		}
	})
	for _, bad := range []string{"", "3jzfcijpj2z21", "0000000000000", "3jzfcijpj2z2aa", "3jzfcijpj2z2", "3jzf-cij-pj2z-2a", "zzzzzzzzzzzzz", "kjzfcijpj2z2a"} {
		if ValidTID(bad) {
			t.Errorf("%q passes for a TID", bad)
		}
	}
}

func TestIdentifiers(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"did:plc:ewvi7nxzyoun6zhxrhs64oiz", "did:web:example.com", "did:web:localhost%3A1234", "did:method:val:two"} {
		if !ValidDID(s) {
			t.Errorf("DID %q refused", s)
		}
	}
	for _, s := range []string{"", "did", "did:", "did:plc:", "did:METHOD:x", "did:method:", "did:method:val%", "did:method:v?x", "did:method:v:", "DID:plc:x"} {
		if ValidDID(s) {
			t.Errorf("DID %q accepted", s)
		}
	}
	for _, s := range []string{"a.co", "desk.town.example", "xn--ls8h.test", "8.cn", "Desk.Town.Example"} {
		if !ValidHandle(s) {
			t.Errorf("handle %q refused", s)
		}
	}
	for _, s := range []string{"", "desk", "desk.", ".desk", "a..b", "-a.b", "a-.b", "john.0", "desk\u202e.town", "jöhn.test", "a b.c", strings.Repeat("a", 64) + ".b"} {
		if ValidHandle(s) {
			t.Errorf("handle %q accepted", s)
		}
	}
	u, err := ParseURI("at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.post/3jzfcijpj2z2a")
	if err != nil || u.Key != "3jzfcijpj2z2a" || u.String() != "at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.post/3jzfcijpj2z2a" {
		t.Errorf("ParseURI = %+v, %v", u, err)
	}
	for _, s := range []string{"", "at://", "https://did:plc:x/app.bsky.feed.post/a", "at://desk.example/app.bsky.feed.post/a",
		"at://did:plc:x/app.bsky.feed.post", "at://did:plc:x/app.bsky.feed.post/a/b", "at://did:plc:x/post/a", "at://did:plc:x/app.bsky.feed.post/..", "at://did:plc:x/app.bsky.feed.post/a?b"} {
		if u, err := ParseURI(s); err == nil {
			t.Errorf("%q read as %+v", s, u)
		}
	}
}

func FuzzFromJSON(f *testing.F) {
	f.Add([]byte(`{"$type":"app.bsky.feed.post","text":"a","n":-1,"l":[null,true]}`))
	f.Add([]byte(`{"a":{"$link":"bafyreia4g24gpgqaklcj7toojrwe7kcqvnmkhf6g5thjsgbocwxnha6chq"},"b":{"$bytes":"AA"}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		v, err := FromJSON(raw)
		if err != nil {
			return
		}
		want, err := CID(v)
		if err != nil {
			return
		}
		j, err := ToJSON(v)
		if err != nil {
			t.Fatalf("what has a CID has no JSON: %v", err)
		}
		back, err := FromJSON(j)
		if err != nil {
			t.Fatalf("our own JSON %s: %v", j, err)
		}
		if got, err := CID(back); err != nil || got != want {
			t.Fatalf("%s: CID %s (%v), want %s", j, got, err, want)
		}
	})
}

func FuzzIdentifiers(f *testing.F) {
	f.Add("at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.post/3jzfcijpj2z2a")
	f.Add("did:web:localhost%3A1234")
	f.Fuzz(func(t *testing.T, s string) {
		if u, err := ParseURI(s); err == nil && u.String() != s {
			t.Fatalf("%q read as %q", s, u)
		}
		if m, err := ParseTID(s); err == nil && (m < 0 || !ValidKey(s)) {
			t.Fatalf("TID %q is microsecond %d", s, m)
		}
		_, _, _ = ValidDID(s), ValidHandle(s), ValidKey(s)
	})
}
