package page

import "parley/internal/i18n"

// NetworkIcon is our own drawing for a network.
func NetworkIcon(network string) string { return "net-" + drawn(network) }

// NetworkName is what people call a network.
func NetworkName(l *i18n.Locale, network string) string { return l.T(networkKey(network)) }

func networkKey(network string) string { return "page.network." + drawn(network) }

// drawn is the name under which a network has a drawing and a word.
func drawn(network string) string {
	switch network {
	case "mastodon", "bluesky", "feed", "email", "sandbox":
		return network
	}
	return "other"
}
