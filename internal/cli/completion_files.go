package cli

import (
	"debug/buildinfo"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
)

func newInstaller(file string) *installer {
	return &installer{
		file: file, windows: runtime.GOOS == "windows",
		lookPath: exec.LookPath, executable: os.Executable, link: os.Link, program: programOf,
		path: func() string { return os.Getenv("PATH") },
	}
}

// programOf names the main package of a Go program, whatever its version.
func programOf(file string) (string, error) {
	info, err := buildinfo.ReadFile(file)
	if err != nil {
		return "", err
	}
	return info.Path, nil
}

// copyFile copies a program to a file that is not there yet.
func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		return errors.Join(err, out.Close(), os.Remove(to))
	}
	return out.Close()
}
