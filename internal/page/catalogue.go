package page

import "embed"

// Catalogue holds the kernel's and the components' sentences.
//
//go:embed catalogue/*.json
var Catalogue embed.FS
