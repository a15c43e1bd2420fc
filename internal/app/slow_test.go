package app

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"testing/iotest"
	"time"

	"parley/internal/api"
)

// socket remembers until when it may be read.
type socket struct {
	*httptest.ResponseRecorder
	until time.Time
}

func (s *socket) SetReadDeadline(t time.Time) error {
	s.until = t
	return nil
}

// After a body that came too slowly net/http reads on before it answers: without
// the deadline that has passed, it would wait for ever.
func TestAScriptThatSendsTooSlowlyIsCutOff(t *testing.T) {
	t.Parallel()
	d := openOffice(t).desk()
	r := httptest.NewRequest(http.MethodPost, "http://localhost"+api.Path+"/media", io.NopCloser(iotest.ErrReader(os.ErrDeadlineExceeded)))
	r.Header.Set("Authorization", "Bearer "+d.token())
	s := &socket{ResponseRecorder: httptest.NewRecorder()}
	d.Handler().ServeHTTP(s, r)
	if got := (reply{s.Code, s.Header(), s.Body.String()}).code(); got != "api.cut_off" || s.until.IsZero() {
		t.Errorf("%d %s, and it may be read until %v", s.Code, got, s.until)
	}
}
