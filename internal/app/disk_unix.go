//go:build linux || darwin || freebsd

package app

import "syscall"

// freeBytes is how much an ordinary user may still write where path lies; false
// where that cannot be told.
func freeBytes(path string) (int64, bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil {
		return 0, false
	}
	return int64(s.Bavail) * int64(s.Bsize), true
}
