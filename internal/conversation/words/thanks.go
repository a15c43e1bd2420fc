package words

import (
	"strings"
	"unicode"

	"parley/internal/text"
)

// maxThanks is how many words a message may have that only says thank you.
const maxThanks = 9

// OnlyThanks reports a message that says thank you or good bye and nothing else: all
// its words belong to that in one language, one of them says it, and there is no
// question mark, no number and no link. A heart alone does too.
func (r *Reader) OnlyThanks(body string) bool {
	if strings.ContainsAny(body, "?¿？؟") || strings.Contains(body, "://") || strings.ContainsFunc(body, unicode.IsNumber) {
		return false
	}
	body = strings.Join(strings.FieldsFunc(body, func(c rune) bool { return unicode.IsSpace(c) || c == ',' }), " ")
	var said []string
	for _, word := range strings.Fields(body) {
		if !strings.HasPrefix(word, "@") {
			said = append(said, word)
		}
	}
	body = strings.Join(said, " ")
	tokens := text.Tokens(body)
	if len(tokens) == 0 {
		return gentle(body)
	}
	if len(tokens) > maxThanks || hasOtherSigns(body) {
		return false
	}
	for i := range r.rules {
		if r.rules[i].thanking(tokens) {
			return true
		}
	}
	return false
}

func (r *rules) thanking(tokens []string) bool {
	said := false
	for _, w := range tokens {
		if !r.thanks[w] && !r.kind[w] {
			return false
		}
		said = said || r.thanks[w]
	}
	return said
}

// kindly are the signs that people put in the place of thanks.
const kindly = "❤♥💚💙💛🧡💜🤍🖤💕💖🙏👍👌👏🤝😊🙂☺😀😃😄😁🥰😍🤗😘🎉🥳🌟⭐💐🌹🌷🌸👋🫶💯✨✅"

// beside them stand what gives them colour and joins them.
func decoration(c rune) bool {
	return c == '\u200d' || c >= 0xFE00 && c <= 0xFE0F || c >= 0x1F3FB && c <= 0x1F3FF || unicode.IsSpace(c) || unicode.IsPunct(c)
}

// gentle reports a message of kind signs alone.
func gentle(body string) bool {
	some := false
	for _, c := range body {
		switch {
		case strings.ContainsRune(kindly, c):
			some = true
		case !decoration(c):
			return false
		}
	}
	return some
}

// hasOtherSigns reports a drawn sign that does not belong to thanks: a face that
// cries says something else.
func hasOtherSigns(body string) bool {
	return strings.ContainsFunc(body, func(c rune) bool {
		return unicode.Is(unicode.So, c) && !strings.ContainsRune(kindly, c)
	})
}
