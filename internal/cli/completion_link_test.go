//go:build !windows

package cli

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// Where links are what completers are; on Windows they are files, and a link
// takes a privilege.

func TestInstallMakesALinkAndUninstallRemovesIt(t *testing.T) {
	in, dir := installed(t, false)
	link := filepath.Join(dir, "kubectl_complete-ds_x")
	said, err := in.install("")
	says(t, "install", said, err, "Linked "+link+": kubectl completes kubectl ds-x")
	if to, err := os.Readlink(link); err != nil || to != "kubectl-ds_x" {
		t.Errorf("the link leads to %q, %v", to, err)
	}
	said, err = in.install("")
	says(t, "again", said, err, "there already")
	said, err = in.uninstall("")
	says(t, "uninstall", said, err, "Removed "+link)
	said, err = in.uninstall("")
	says(t, "once more", said, err, "nothing to remove")
}

func TestInstallElsewhere(t *testing.T) {
	in, dir := installed(t, false)
	elsewhere := t.TempDir()
	said, err := in.install(elsewhere)
	says(t, "install", said, err, "is not on PATH: add it")
	if to, err := os.Readlink(filepath.Join(elsewhere, "kubectl_complete-ds_x")); err != nil || to != filepath.Join(dir, "kubectl-ds_x") {
		t.Errorf("the link leads to %q, %v", to, err)
	}
	_, err = in.install(filepath.Join(elsewhere, "none"))
	says(t, "no folder", "", err, "a folder?")
	in.lookPath = func(string) (string, error) { return "", errors.New("not found") }
	_, err = in.install("")
	says(t, "nowhere", "", err, "is not on PATH, where kubectl looks for it")
}

func TestNothingElseIsOverwrittenOrRemoved(t *testing.T) {
	for name, make := range map[string]func(path string) error{
		"a file":            func(p string) error { return os.WriteFile(p, []byte("mine"), 0o755) },
		"a folder":          func(p string) error { return os.Mkdir(p, 0o755) },
		"a link of another": func(p string) error { return os.Symlink("kubectl-ds_y", p) },
	} {
		in, dir := installed(t, false)
		path := filepath.Join(dir, "kubectl_complete-ds_x")
		if err := make(path); err != nil {
			t.Fatal(err)
		}
		_, err := in.install("")
		says(t, name, "", err, "is no link to this plugin; remove it")
		_, err = in.uninstall("")
		says(t, name, "", err, "left as it is")
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestALinkThatLedToAnotherVersionIsMadeAgain(t *testing.T) {
	in, dir := installed(t, false)
	link := filepath.Join(dir, "kubectl_complete-ds_x")
	if err := os.Symlink("/gone/kubectl-ds_x", link); err != nil {
		t.Fatal(err)
	}
	said, err := in.install("")
	says(t, "install", said, err, "Linked")
	if to, _ := os.Readlink(link); to != "kubectl-ds_x" {
		t.Errorf("the link leads to %q", to)
	}
}
