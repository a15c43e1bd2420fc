package bluesky

import (
	"encoding/json"
	"errors"
	"net/url"
	"time"
)

// The shapes of answers, named after their lexicons, with only what is used.
// Nothing in them is trusted: ids are checked where they become a Ref, times
// where they become a time, words where they become a Text.

// profile is app.bsky.actor.defs#profileView and its shorter kinds.
type profile struct {
	DID         string `json:"did"`
	Handle      string `json:"handle"`
	DisplayName string `json:"displayName"`
	Avatar      string `json:"avatar"`
	Viewer      struct {
		Following string `json:"following"`
		Blocking  string `json:"blocking"`
	} `json:"viewer"`
	Labels []label `json:"labels"`
}

// label is com.atproto.label.defs#label.
type label struct {
	Val string `json:"val"`
	Neg bool   `json:"neg"`
}

// notification is app.bsky.notification.listNotifications#notification.
type notification struct {
	URI       string          `json:"uri"`
	CID       string          `json:"cid"`
	Author    profile         `json:"author"`
	Reason    string          `json:"reason"`
	Record    json.RawMessage `json:"record"`
	IndexedAt string          `json:"indexedAt"`
}

// postView is app.bsky.feed.defs#postView.
type postView struct {
	URI       string          `json:"uri"`
	CID       string          `json:"cid"`
	Author    profile         `json:"author"`
	Record    json.RawMessage `json:"record"`
	Embed     embedView       `json:"embed"`
	IndexedAt string          `json:"indexedAt"`
	Labels    []label         `json:"labels"`
	Viewer    struct {
		Like          string `json:"like"`
		Repost        string `json:"repost"`
		ReplyDisabled bool   `json:"replyDisabled"`
	} `json:"viewer"`

	// Absent is "not told", never 0.
	LikeCount     *int64 `json:"likeCount"`
	RepostCount   *int64 `json:"repostCount"`
	ReplyCount    *int64 `json:"replyCount"`
	QuoteCount    *int64 `json:"quoteCount"`
	BookmarkCount *int64 `json:"bookmarkCount"`
}

// postRecord is app.bsky.feed.post.
type postRecord struct {
	Type      string   `json:"$type"`
	Text      string   `json:"text"`
	Facets    []facet  `json:"facets"`
	Langs     []string `json:"langs"`
	CreatedAt string   `json:"createdAt"`
	Reply     *struct {
		Root   strongRef `json:"root"`
		Parent strongRef `json:"parent"`
	} `json:"reply"`
	Embed  attached `json:"embed"`
	Labels struct {
		Values []label `json:"values"`
	} `json:"labels"`
}

// lenient reads what has the shape we expect and leaves out the rest: unions in
// atproto are open (specification of Lexicon, section "union"), so whoever writes
// a record may use a field's name for something of their own.
func lenient(raw []byte, into any) error {
	err := json.Unmarshal(raw, into)
	var odd *json.UnmarshalTypeError
	if errors.As(err, &odd) && odd.Field != "" {
		return nil
	}
	return err
}

// readRecord reads a post's record. What it says must be words; a post without
// some of what stands beside them is still a post.
func readRecord(raw []byte) (r postRecord, err error) {
	var said struct {
		Text string `json:"text"`
	}
	if err := json.Unmarshal(raw, &said); err != nil {
		return r, err
	}
	return r, lenient(raw, &r)
}

// strongRef is com.atproto.repo.strongRef.
type strongRef struct {
	URI string `json:"uri"`
	CID string `json:"cid"`
}

// facet is app.bsky.richtext.facet: bytes of UTF-8, the end exclusive.
type facet struct {
	Index struct {
		Start int `json:"byteStart"`
		End   int `json:"byteEnd"`
	} `json:"index"`
	Features []feature `json:"features"`
}

type feature struct {
	Type string `json:"$type"`
	DID  string `json:"did"`
	URI  string `json:"uri"`
	Tag  string `json:"tag"`
}

// attached is app.bsky.embed.images, video, gallery, external, record or
// recordWithMedia inside a record.
type attached struct {
	Type   string `json:"$type"`
	Images []struct {
		Alt         string  `json:"alt"`
		Image       blob    `json:"image"`
		AspectRatio measure `json:"aspectRatio"`
	} `json:"images"`
	Video       blob            `json:"video"`
	Alt         string          `json:"alt"`
	AspectRatio measure         `json:"aspectRatio"`
	Record      json.RawMessage `json:"record"` // a strongRef, or an embed.record around one
	Media       *attached       `json:"media"`
}

// embedView is what the AppView makes of it.
type embedView struct {
	Images []struct {
		Fullsize    string  `json:"fullsize"`
		Alt         string  `json:"alt"`
		AspectRatio measure `json:"aspectRatio"`
	} `json:"images"`
	Playlist string     `json:"playlist"`
	Media    *embedView `json:"media"`
}

type blob struct {
	Ref struct {
		Link string `json:"$link"`
	} `json:"ref"`
	MIME string `json:"mimeType"`
	Size int64  `json:"size"`
}

type measure struct {
	Width  int `json:"width"`
	Height int `json:"height"`
}

// threadNode is app.bsky.feed.defs#threadViewPost, notFoundPost or blockedPost.
type threadNode struct {
	Post     *postView     `json:"post"`
	Parent   *threadNode   `json:"parent"`
	Replies  []*threadNode `json:"replies"`
	URI      string        `json:"uri"`
	NotFound bool          `json:"notFound"`
	Blocked  bool          `json:"blocked"`
}

// repoRecord is com.atproto.repo.listRecords#record and the answer of getRecord.
type repoRecord struct {
	URI   string          `json:"uri"`
	CID   string          `json:"cid"`
	Value json.RawMessage `json:"value"`
}

// description is the answer of com.atproto.server.describeServer.
type description struct {
	DID             string `json:"did"`
	BlobUploadLimit int64  `json:"blobUploadLimit"`
}

// Times outside these bounds are an author's slip or joke. The floor is older
// than every imported archive that people bring to Bluesky.
var floor = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// timeOf reads a time and refuses what cannot be one: zero if it is before the
// floor, now if it lies in the future.
func timeOf(s string, now time.Time) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.Before(floor) {
		return time.Time{}
	}
	if t.After(now) {
		return now
	}
	return t.UTC().Truncate(time.Microsecond)
}

// webAddress passes an http(s) address and nothing else.
func webAddress(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || len(s) > 2048 {
		return ""
	}
	return u.String()
}
