//go:build unix

package coverage

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestACaptureIsWrittenToAPipe(t *testing.T) {
	dir := t.TempDir()
	pipe, link := filepath.Join(dir, "pipe"), filepath.Join(dir, "link")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("pipe", link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, link} {
		got := make(chan string)
		go func() {
			b, err := readPipe(pipe)
			if err != nil {
				b = []byte(err.Error())
			}
			got <- string(b)
		}()
		if err := writeFile(path, write("new")); err != nil {
			t.Fatal(err)
		}
		if s := <-got; s != "new" {
			t.Errorf("%s: the reader got %q, want new", filepath.Base(path), s)
		}
	}
	if info, err := os.Stat(pipe); err != nil || info.Mode()&fs.ModeNamedPipe == 0 {
		t.Errorf("the pipe has become %v, %v", info, err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("files are left behind: %v", entries)
	}
}

func readPipe(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(f)
}

// An open file is written to where it stands: a shell that appends to it has
// opened it, and its name may be gone.
func TestACaptureIsWrittenToAnOpenFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if _, err := f.WriteString("before "); err != nil {
		t.Fatal(err)
	}
	if err := writeFile("/dev/fd/"+strconv.Itoa(int(f.Fd())), write("new")); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(path); string(b) != "before new" {
		t.Errorf("the file holds %q", b)
	}
}

// Not by writeFile: where the test fails, that would be the end of the device.
func TestNothingTakesThePlaceOfADevice(t *testing.T) {
	for _, path := range []string{os.DevNull, t.TempDir()} {
		if target, open, err := targetOf(path); target != path || !open || err != nil {
			t.Errorf("%s is replaced: %v, %v, %v", path, target, open, err)
		}
	}
	if err := writeThrough(os.DevNull, write("new")); err != nil {
		t.Error(err)
	}
	err := writeFile(t.TempDir(), write("new"))
	if err == nil || !strings.HasPrefix(err.Error(), "write capture: ") || !strings.HasSuffix(err.Error(), "choose another file with -o") {
		t.Errorf("a folder: got %v", err)
	}
}

func TestACaptureIsItsOwners(t *testing.T) {
	path := filepath.Join(t.TempDir(), "capture.json")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(path, write("new")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v; want mode 600", info.Mode(), err)
	}
}

// A link stays, and the file that it leads to is replaced, whether it is there
// yet or not.
func TestACaptureIsWrittenBehindALink(t *testing.T) {
	for name, c := range map[string]struct {
		links  map[string]string // name to where it leads
		open   string
		target string // below the folder
		old    bool
	}{
		"a file":                      {links: map[string]string{"link": "file"}, open: "link", target: "file", old: true},
		"a link to a link":            {links: map[string]string{"link": "second", "second": "file"}, open: "link", target: "file", old: true},
		"nothing yet":                 {links: map[string]string{"link": "file"}, open: "link", target: "file"},
		"nothing yet, over two links": {links: map[string]string{"link": "second", "second": "sub/file"}, open: "link", target: "sub/file"},
		"out of a folder that is one": {links: map[string]string{"folder": "sub/deep", "sub/deep/link": "../file"}, open: "folder/link", target: "sub/file"},
		"a folder that is one":        {links: map[string]string{"folder": "sub"}, open: "folder/file", target: "sub/file"},
		"through a folder and back":   {links: map[string]string{"folder": "sub/deep", "link": "folder/../file"}, open: "link", target: "sub/file"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.MkdirAll(filepath.Join(dir, "sub", "deep"), 0o755); err != nil {
				t.Fatal(err)
			}
			target := filepath.Join(dir, filepath.FromSlash(c.target))
			if c.old {
				if err := os.WriteFile(target, []byte("old"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			for link, to := range c.links {
				if err := os.Symlink(filepath.FromSlash(to), filepath.Join(dir, filepath.FromSlash(link))); err != nil {
					t.Fatal(err)
				}
			}
			if err := writeFile(dir+string(filepath.Separator)+filepath.FromSlash(c.open), write("new")); err != nil {
				t.Fatal(err)
			}
			if b, err := os.ReadFile(target); err != nil || string(b) != "new" {
				t.Errorf("%s holds %q, %v; want new", c.target, b, err)
			}
			for link, to := range c.links {
				if got, err := os.Readlink(filepath.Join(dir, filepath.FromSlash(link))); err != nil || got != filepath.FromSlash(to) {
					t.Errorf("the link %s is %q, %v; want %s", link, got, err, to)
				}
			}
		})
	}
}

func TestACaptureBehindLinksWithoutEnd(t *testing.T) {
	loop := filepath.Join(t.TempDir(), "loop")
	if err := os.Symlink("loop", loop); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(loop, write("new")); err == nil {
		t.Error("there is no error")
	}
	if _, err := os.Readlink(loop); err != nil {
		t.Errorf("the link is gone: %v", err)
	}
}
