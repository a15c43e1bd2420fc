package mastodon

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"parley/internal/text"
)

// The entities of the Mastodon API, as far as they are read. Ids are opaque
// strings; some servers write them as numbers, which must not pass through a
// float.

// ident is an id, told as a string or a number. What can't be one, for its
// length or what is in it, is empty.
type ident string

// maxID is the longest id, in bytes.
const maxID = 200

func (i *ident) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		if len(s) <= maxID && strings.TrimSpace(s) != "" && text.Clean(s) == s && !strings.ContainsAny(s, "\n\t") {
			*i = ident(s)
		}
		return nil
	}
	var num json.Number
	if json.Unmarshal(b, &num) == nil && len(num) <= maxID {
		*i = ident(num)
	}
	return nil
}

// stamp is a time, told as RFC 3339. Zero if it is none; told says that the
// server has a place for it at all.
type stamp struct {
	time.Time
	told bool
}

func (s *stamp) UnmarshalJSON(b []byte) error {
	s.told = true
	var v string
	if json.Unmarshal(b, &v) != nil {
		return nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, v); err == nil {
			s.Time = t.UTC()
			return nil
		}
	}
	return nil
}

// tally is a count that may not be told. Negative ones are not.
type tally struct {
	n    int64
	told bool
}

func (t *tally) UnmarshalJSON(b []byte) error {
	var num json.Number
	if json.Unmarshal(b, &num) != nil || num == "" {
		return nil
	}
	if n, err := num.Int64(); err == nil && n >= 0 {
		*t = tally{n, true}
	} else if f, err := strconv.ParseFloat(string(num), 64); err == nil && f >= 0 && f < math.MaxInt32 {
		*t = tally{int64(f), true}
	}
	return nil
}

type account struct {
	ID           ident  `json:"id"`
	Username     string `json:"username"`
	Acct         string `json:"acct"`
	DisplayName  string `json:"display_name"`
	URL          string `json:"url"`
	Avatar       string `json:"avatar"`
	AvatarStatic string `json:"avatar_static"`
	Bot          bool   `json:"bot"`
	Source       struct {
		Privacy  string `json:"privacy"`
		Language string `json:"language"`
	} `json:"source"`
}

type status struct {
	ID             ident        `json:"id"`
	URI            string       `json:"uri"`
	URL            string       `json:"url"`
	Created        stamp        `json:"created_at"`
	Edited         stamp        `json:"edited_at"`
	Account        account      `json:"account"`
	Content        string       `json:"content"`
	Visibility     string       `json:"visibility"`
	Sensitive      bool         `json:"sensitive"`
	Spoiler        string       `json:"spoiler_text"`
	Language       string       `json:"language"`
	Parent         ident        `json:"in_reply_to_id"`
	ParentAuthor   ident        `json:"in_reply_to_account_id"`
	Mentions       []mention    `json:"mentions"`
	Tags           []tag        `json:"tags"`
	Media          []attachment `json:"media_attachments"`
	Poll           *poll        `json:"poll"`
	Quote          *quote       `json:"quote"`
	Reblog         *struct{}    `json:"reblog"`
	Favourites     tally        `json:"favourites_count"`
	Reblogs        tally        `json:"reblogs_count"`
	Replies        tally        `json:"replies_count"`
	Quotes         tally        `json:"quotes_count"`
	PleromaExtra   pleromaExtra `json:"pleroma"`
	QuotedStatusID ident        `json:"quote_id"` // Akkoma
}

type pleromaExtra struct {
	QuoteID ident `json:"quote_id"`
}

type quote struct {
	Status   *status `json:"quoted_status"`
	StatusID ident   `json:"quoted_status_id"`
}

type mention struct {
	ID       ident  `json:"id"`
	Username string `json:"username"`
	URL      string `json:"url"`
	Acct     string `json:"acct"`
}

type tag struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

type attachment struct {
	ID          ident  `json:"id"`
	Type        string `json:"type"`
	URL         string `json:"url"`
	RemoteURL   string `json:"remote_url"`
	PreviewURL  string `json:"preview_url"`
	Description string `json:"description"`
	Meta        struct {
		Original struct {
			Width  int `json:"width"`
			Height int `json:"height"`
		} `json:"original"`
	} `json:"meta"`
}

type poll struct {
	Options []struct {
		Title string `json:"title"`
	} `json:"options"`
}

type notification struct {
	ID      ident           `json:"id"`
	Type    string          `json:"type"`
	Created stamp           `json:"created_at"`
	Status  json.RawMessage `json:"status"`
}

type source struct {
	Text    string `json:"text"`
	Spoiler string `json:"spoiler_text"`
}
