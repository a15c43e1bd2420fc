package email

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"

	"parley/internal/network"
	"parley/internal/outbound"
	"parley/internal/text"
)

// brokenOff is the Native of a conversation that ended without an answer.
const brokenOff = "broken off"

// maxMessage bounds, in bytes, the server's sentence in an error.
const maxMessage = 300

// dialError says why no connection came about. Nothing has left by then.
func dialError(ctx context.Context, s server, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	e := &network.Error{Kind: network.Transient, Native: "net", Help: "email.help.unreachable", Err: fmt.Errorf("connecting to %s: %w", s.address(), err)}
	var dns *net.DNSError
	switch {
	case errors.Is(err, outbound.ErrPrivate):
		e.Kind, e.Native, e.Help = network.Policy, "private", "email.help.private"
	case errors.Is(err, outbound.ErrPort):
		e.Kind, e.Native, e.Help = network.Policy, "port", "email.help.port"
	case errors.As(err, &dns) && dns.IsNotFound:
		e.Native = "dns"
	}
	return e
}

// tlsError says why a connection could not be made secure.
func tlsError(ctx context.Context, s server, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	e := &network.Error{Kind: network.Transient, Native: "tls", Help: "email.help.tls", Err: fmt.Errorf("securing the connection to %s: %w", s.address(), err)}
	var cert *tls.CertificateVerificationError
	var name x509.HostnameError
	switch {
	case errors.As(err, &name):
		e.Native, e.Help = "certificate", "email.help.certificate_name"
	case errors.As(err, &cert):
		e.Native, e.Help = "certificate", "email.help.certificate"
	}
	return e
}

// imapError turns a refusal into the contract's words. Nothing it is asked about
// is a write that others see, so it is never Ambiguous. login says that the
// refusal is about who we are.
func imapError(ctx context.Context, err error, login bool, now time.Time) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var known *network.Error
	if errors.As(err, &known) {
		return err
	}
	var said *imap.Error
	if !errors.As(err, &said) {
		return &network.Error{Kind: network.Transient, Native: brokenOff, Help: "email.help.broken_off", Err: err}
	}
	e := &network.Error{Kind: network.Transient, Native: string(said.Code), Message: text.CleanLine(said.Text, maxMessage)}
	if e.Native == "" {
		e.Native = string(said.Type)
	}
	e.Kind, e.Help = imapKind(said, login)
	if e.Kind == network.RateLimited {
		e.RetryAt = retryAt(said.Text, now)
	}
	return e
}

// imapKind judges by the response code (RFC 5530), and where there is none by
// whether it was the login that was refused.
func imapKind(said *imap.Error, login bool) (network.Kind, string) {
	words := strings.ToLower(said.Text)
	switch said.Code {
	case imap.ResponseCodeAuthenticationFailed, imap.ResponseCodeExpired, imap.ResponseCodePrivacyRequired:
		return network.Auth, passwordHelp(words)
	case imap.ResponseCodeAuthorizationFailed:
		return network.Auth, "email.help.login"
	case imap.ResponseCodeContactAdmin:
		return network.Suspended, "email.help.closed"
	case imap.ResponseCodeLimit, imap.ResponseCodeTooMany:
		return network.RateLimited, ""
	case imap.ResponseCodeOverQuota:
		if strings.Contains(words, "bandwidth") || strings.Contains(words, "command") {
			return network.RateLimited, ""
		}
		return network.Policy, "email.help.mailbox_full"
	case imap.ResponseCodeUnavailable, imap.ResponseCodeServerBug, imap.ResponseCodeInUse:
		return network.Transient, ""
	case imap.ResponseCodeNonExistent:
		return network.Gone, "email.help.folder"
	}
	switch {
	case limited(words):
		return network.RateLimited, ""
	case login && !temporary(words) && said.Type != imap.StatusResponseTypeBye:
		return network.Auth, passwordHelp(words)
	}
	return network.Transient, ""
}

func passwordHelp(words string) string {
	if strings.Contains(words, "application-specific") || strings.Contains(words, "app password") || strings.Contains(words, "basic auth") || strings.Contains(words, "web browser") {
		return "email.help.app_password"
	}
	return "email.help.login"
}

func limited(words string) bool {
	for _, w := range []string{"too many", "rate limit", "ratelimit", "throttl", "try again in", "come back in", "simultaneous"} {
		if strings.Contains(words, w) {
			return true
		}
	}
	return false
}

func temporary(words string) bool {
	return strings.Contains(words, "temporar") || strings.Contains(words, "unavailable") || strings.Contains(words, "try again later") || strings.Contains(words, "internal error")
}

// stage is how far a submission had come when it was refused or broke off.
type stage int

const (
	atLogin   stage = iota // before a mail was spoken of
	atSender               // MAIL
	atReader               // RCPT
	atContent              // DATA, and its last line not written yet
	atEnd                  // its last line was written: it may have been taken
)

// smtpError turns what a submission server said, or that it fell silent, into the
// contract's words. Only once the last line of a mail has been written can the
// mail have been taken (RFC 5321, section 4.1.1.4).
func smtpError(err error, at stage, now time.Time) error {
	if err == nil {
		return nil
	}
	var known *network.Error
	if errors.As(err, &known) {
		return err
	}
	var said *textproto.Error
	if !errors.As(err, &said) || at == atEnd && (said.Code == 421 || said.Code < 400) {
		e := &network.Error{Kind: network.Transient, Native: "smtp", Help: "email.help.broken_off", Err: err}
		if at == atEnd {
			e.Kind, e.Help = network.Ambiguous, ""
		}
		return e
	}
	enhanced := enhancedCode(said.Msg)
	e := &network.Error{Native: strings.TrimSpace(strconv.Itoa(said.Code) + " " + enhanced), Message: text.CleanLine(said.Msg, maxMessage)}
	e.Kind, e.Help = smtpKind(said.Code, enhanced, strings.ToLower(said.Msg), at)
	if e.Kind == network.RateLimited {
		e.RetryAt = retryAt(said.Msg, now)
	}
	return e
}

var enhancedForm = regexp.MustCompile(`^[245]\.\d{1,3}\.\d{1,3}\b`)

// enhancedCode is the code of RFC 3463 at the beginning of a reply, "" for none.
func enhancedCode(msg string) string { return enhancedForm.FindString(msg) }

// smtpKind judges a reply by its codes (RFC 5321, section 4.2; RFC 3463), and by
// its words where servers use one code for several things.
func smtpKind(code int, enhanced, words string, at stage) (network.Kind, string) {
	class, detail, _ := strings.Cut(enhanced, ".")
	switch {
	case strings.Contains(words, "suspended") || strings.Contains(words, "account disabled") || strings.Contains(words, "user account is disabled"):
		return network.Suspended, "email.help.closed"
	case code == 454 && detail == "7.0":
		return network.Transient, ""
	case code == 530 || code == 534 || code == 535 || code == 538 || code == 432:
		return network.Auth, passwordHelp(words)
	case code == 552 && (detail == "3.4" || at == atSender || at == atEnd && detail != "2.2"):
		return network.TooLong, "email.help.too_large"
	case code == 523 || detail == "3.4" || detail == "2.3":
		return network.TooLong, "email.help.too_large"
	case detail == "2.2" && class == "5":
		return network.Policy, "email.help.reader_full"
	case code/100 == 4:
		return smtpLater(detail, words)
	case at == atLogin && code/100 == 5:
		return network.Auth, "email.help.submission"
	case at == atReader && (detail == "1.1" || detail == "1.2" || detail == "1.10" || detail == "1.3" || detail == "1.6" || detail == "" && (code == 550 || code == 553)):
		return network.Gone, "email.help.no_such_reader"
	case at == atReader:
		return network.Policy, "email.help.reader_refused"
	case at == atSender:
		return network.Policy, "email.help.sender_refused"
	}
	return network.Policy, "email.help.refused"
}

// smtpLater tells "not so fast" from "not just now".
func smtpLater(detail, words string) (network.Kind, string) {
	switch {
	case strings.Contains(words, "greylist") || strings.Contains(words, "graylist"):
		return network.RateLimited, "email.help.greylisted"
	case detail == "2.2":
		return network.Transient, "email.help.reader_full"
	case limited(words) || strings.HasPrefix(detail, "7.") && strings.Contains(words, "limit"):
		return network.RateLimited, ""
	}
	return network.Transient, ""
}

// waitForm reads "in 300 seconds", "in 5 minutes" and "in 00:05:00", the ways in
// which servers say how long to wait: there is no field for it.
var waitForm = regexp.MustCompile(`(?i)\bin (?:(\d{1,2}):(\d{2}):(\d{2})|(\d{1,6})\s*(s|sec|second|seconds|m|min|minute|minutes|h|hour|hours)\b)`)

// retryAt is when to come back, if the server said so; zero if it did not.
func retryAt(said string, now time.Time) time.Time {
	m := waitForm.FindStringSubmatch(said)
	if m == nil {
		return time.Time{}
	}
	number := func(s string) time.Duration { n, _ := strconv.Atoi(s); return time.Duration(n) }
	wait := number(m[1])*time.Hour + number(m[2])*time.Minute + number(m[3])*time.Second
	if m[4] != "" {
		unit := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour}
		wait = number(m[4]) * unit[strings.ToLower(m[5])[0]]
	}
	if wait > 24*time.Hour {
		return time.Time{}
	}
	return now.Add(wait)
}
