package cluster

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestSweepRemovesOnlyWhatNobodyOwns(t *testing.T) {
	parent := t.TempDir()
	dirOf := func(name string, age time.Duration) string {
		dir := filepath.Join(parent, tempPrefix+name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		lock, err := TryLock(filepath.Join(dir, lockName))
		if err != nil {
			t.Fatal(err)
		}
		if name == "owned" {
			t.Cleanup(lock.Release)
			if _, err := TryLock(filepath.Join(dir, lockName)); !errors.Is(err, ErrLocked) {
				t.Errorf("a second lock: %v, want ErrLocked", err)
			}
		} else {
			lock.Release()
		}
		if name == "kept" {
			if err := os.WriteFile(filepath.Join(dir, keepName), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		then := time.Now().Add(-age)
		if err := os.Chtimes(dir, then, then); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	abandoned := dirOf("abandoned", time.Hour)
	others := []string{dirOf("owned", time.Hour), dirOf("kept", time.Hour), dirOf("new", 0)}
	sweep(parent)
	if _, err := os.Stat(abandoned); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", abandoned, err)
	}
	for _, dir := range others {
		if _, err := os.Stat(dir); err != nil {
			t.Errorf("%s is gone: %v", dir, err)
		}
	}
}
