package networktest

import (
	"sync"

	"parley/internal/network"
)

// vault keeps one account's secret under the rule of account's store: whoever
// saves names the generation it read, and only the first to do so wins.
type vault struct {
	mu     sync.Mutex
	secret network.Secret
}

func (v *vault) load() network.Secret {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.secret
}

// save replaces the secret if it still is the generation that was read, and
// never by an empty one.
func (v *vault) save(s network.Secret, read int64) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.secret.Generation != read || len(s.Blob) == 0 {
		return false
	}
	s.Generation = read + 1
	v.secret = s
	return true
}
