package account

import "parley/internal/page"

// Pages registers the pages of this capability.
func (s *Accounts) Pages(k *page.Kernel) {}
