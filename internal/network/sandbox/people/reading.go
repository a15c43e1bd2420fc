package people

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// reading is what somebody makes of what we wrote.
type reading struct {
	question bool
	curt     bool
	said     string // the part they would quote; "" if there is none
	staff    string // who signed
}

// understand reads our words. It knows no language: it goes by marks, lengths
// and numbers, as a hasty reader does.
func understand(s string) reading {
	body, staff := signature(s)
	r := reading{staff: staff}
	var best string
	bestScore := -9
	words := 0
	all := pieces(body)
	for i, sentence := range all {
		n := count(sentence)
		words += n
		asks := strings.ContainsAny(sentence, "?？؟")
		r.question = r.question || asks
		quote := strings.TrimRight(strings.TrimSpace(sentence), ".!?…。？！؟,;: ")
		score := 0
		if asks {
			score += 5
		}
		if i == 0 && len(all) > 1 {
			score -= 4 // mostly thanks and hello
		}
		if strings.IndexFunc(quote, unicode.IsDigit) >= 0 {
			score += 3
		}
		if n >= 4 && n <= 9 {
			score += 3
		}
		if n < 2 {
			score = -2
		}
		if quote != "" && score >= bestScore {
			best, bestScore = quote, score
		}
	}
	r.curt = words > 0 && words <= 5 && !r.question
	r.said = shortened(best)
	return r
}

// signature takes off a last line such as "– Mara" and says whose it is.
func signature(s string) (body, name string) {
	s = strings.TrimSpace(s)
	i := strings.LastIndexAny(s, "\n")
	last := strings.TrimSpace(s[i+1:])
	for _, mark := range []string{"–", "—", "-", "^", "/", "~"} {
		rest, ok := strings.CutPrefix(last, mark)
		rest = strings.TrimSpace(rest)
		if ok && rest != "" && count(rest) <= 2 && utf8.RuneCountInString(rest) <= 24 {
			return strings.TrimSpace(s[:max(i, 0)]), rest
		}
	}
	return s, ""
}

// pieces cuts a text into sentences with their marks, without names of
// accounts and addresses.
func pieces(s string) []string {
	fields := strings.Fields(s)
	keep := fields[:0]
	for _, f := range fields {
		if !strings.HasPrefix(f, "@") && !strings.Contains(f, "://") {
			keep = append(keep, f)
		}
	}
	rs := []rune(strings.Join(keep, " "))
	var out []string
	from := 0
	for i := range rs {
		if ends(rs, i) {
			out = append(out, string(rs[from:i+1]))
			from = i + 1
		}
	}
	if from < len(rs) {
		out = append(out, string(rs[from:]))
	}
	return out
}

// count is the number of words; of a script without spaces, of pairs of signs.
func count(s string) int {
	n := 0
	wide := 0
	for _, f := range strings.Fields(s) {
		n++
		for _, r := range f {
			if unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) {
				wide++
			}
		}
	}
	return max(n, wide/2)
}

// shortened is a quotation of at most nine words.
func shortened(s string) string {
	s = strings.Map(func(r rune) rune {
		if strings.ContainsRune("“”„«»\"", r) {
			return -1
		}
		return r
	}, s)
	fields := strings.Fields(s)
	if len(fields) > 9 {
		for n := 9; n >= 4; n-- { // better a whole clause than half a sentence
			if strings.HasSuffix(fields[n-1], ",") {
				return strings.TrimSuffix(strings.Join(fields[:n], " "), ",")
			}
		}
		return strings.TrimRight(strings.Join(fields[:8], " "), ",;:") + "…"
	}
	if utf8.RuneCountInString(s) > 90 {
		rs := []rune(s)
		return string(rs[:60]) + "…"
	}
	return strings.Join(fields, " ")
}
