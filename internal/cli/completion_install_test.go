package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// installed is a folder of PATH with a plugin in it.
func installed(t *testing.T, windows bool) (*installer, string) {
	t.Helper()
	dir := t.TempDir()
	plugin := filepath.Join(dir, "kubectl-ds_x")
	if windows {
		plugin += ".exe"
	}
	write(t, plugin, "program 1")
	return &installer{
		file: "kubectl-ds_x", windows: windows, link: os.Link,
		lookPath:   func(string) (string, error) { return plugin, nil },
		executable: func() (string, error) { return plugin, nil },
		path:       func() string { return dir },
		program: func(file string) (string, error) {
			b, err := os.ReadFile(file)
			if kind, _, _ := strings.Cut(string(b), " "); err == nil && kind == "program" {
				return kind, nil
			}
			return "", errors.Join(err, errors.New("not a program"))
		},
	}, dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// says demands what a step says, as an answer or as an error.
func says(t *testing.T, step string, said string, err error, want string) {
	t.Helper()
	if err != nil {
		said = "error: " + err.Error()
	}
	if !strings.Contains(said, want) {
		t.Errorf("%s: %q lacks %q", step, said, want)
	}
}

func TestOnWindowsItIsAFile(t *testing.T) {
	in, dir := installed(t, true)
	exe := filepath.Join(dir, "kubectl_complete-ds_x.exe")
	said, err := in.install("")
	says(t, "install", said, err, "Linked "+exe+": kubectl completes kubectl ds-x.exe from now on")
	if info, err := os.Lstat(exe); err != nil || !info.Mode().IsRegular() {
		t.Errorf("%v, %v", info, err)
	}
	if err := os.Remove(exe); err != nil {
		t.Fatal(err)
	}
	in.link = func(string, string) error { return errors.New("another disk") }
	said, err = in.install("")
	says(t, "copy", said, err, "Copied "+exe)
	write(t, filepath.Join(dir, "kubectl-ds_x.exe"), "program 2")
	said, err = in.install("")
	says(t, "after an update", said, err, "Copied "+exe)
	if b, err := os.ReadFile(exe); err != nil || string(b) != "program 2" {
		t.Errorf("the copy holds %q, %v", b, err)
	}
	said, err = in.uninstall("")
	says(t, "uninstall", said, err, "Removed "+exe)
}

func TestProgramsAreToldApart(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if p, err := programOf(self); err != nil || !strings.Contains(p, "internal/cli") {
		t.Errorf("%q, %v", p, err)
	}
	text := filepath.Join(t.TempDir(), "x")
	write(t, text, "#!/bin/sh\n")
	if _, err := programOf(text); err == nil {
		t.Error("a script is a Go program")
	}
	if err := copyFile(text, text); err == nil {
		t.Error("a copy overwrites")
	}
}
