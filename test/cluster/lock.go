//go:build unix

package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// FileLock is a lock that is held by an open file. The kernel drops it when the process ends,
// however it ends, so a lock that is held always has a living owner.
type FileLock struct{ file *os.File }

// ErrLocked says that somebody else holds the lock.
var ErrLocked = errors.New("locked by another process")

// TryLock takes the lock, or returns ErrLocked at once. The file is made, its
// folder is not.
func TryLock(path string) (*FileLock, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening lock file: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return &FileLock{file}, nil
	}
	_ = file.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, ErrLocked
	}
	return nil, fmt.Errorf("locking %s: %w", path, err)
}

// waitLock takes the lock, and calls waiting once if somebody else has it.
func waitLock(ctx context.Context, path string, waiting func()) (*FileLock, error) {
	said := false
	var lock *FileLock
	err := poll(ctx, 100*time.Millisecond, func() (bool, error) {
		var err error
		lock, err = TryLock(path)
		if errors.Is(err, ErrLocked) {
			if !said {
				said = true
				waiting()
			}
			return false, nil
		}
		return err == nil, err
	})
	return lock, err
}

// Release gives the lock up. The file stays: removing it would let two
// processes lock two files of one name.
func (l *FileLock) Release() {
	if l != nil {
		_ = l.file.Close()
	}
}
