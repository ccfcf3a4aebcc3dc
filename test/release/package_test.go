package release

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// debFiles returns the names in a .deb, those of links with their target. It is
// an ar archive, whose third member is a tar archive.
func debFiles(t *testing.T, path string) map[string]string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const magic, header = "!<arch>\n", 60
	for rest := bytes.TrimPrefix(raw, []byte(magic)); len(rest) > header; {
		name := strings.TrimRight(string(rest[:16]), " /")
		size, err := strconv.Atoi(strings.TrimSpace(string(rest[48:58])))
		if err != nil {
			t.Fatalf("%s: member %s: %v", path, name, err)
		}
		if name == "data.tar.gz" {
			return tarFiles(t, rest[header:header+size])
		}
		rest = rest[header+size+size%2:]
	}
	t.Fatalf("%s has no data.tar.gz", path)
	return nil
}

func tarFiles(t *testing.T, raw []byte) map[string]string {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		files[strings.TrimPrefix(h.Name, ".")] = h.Linkname
	}
}

func TestPackagesInstallTheCompleterBesideThePlugin(t *testing.T) {
	if runtime.GOOS != "linux" {
		return // packages are made of Linux programs alone
	}
	for _, plugin := range plugins {
		base := filepath.Join(built.dist, "kubectl-ds-"+plugin+"_"+tag+"_linux_"+runtime.GOARCH)
		files := debFiles(t, base+".deb")
		bin := "/usr/bin/kubectl-ds_" + plugin
		if target := files["/usr/bin/kubectl_complete-ds_"+plugin]; target != bin {
			t.Errorf("kubectl_complete-ds_%s leads to %q, not to %s", plugin, target, bin)
		}
		for _, name := range []string{
			bin, "/usr/share/doc/kubectl-ds-" + plugin + "/copyright", "/usr/share/man/man1/kubectl-ds_" + plugin + ".1",
			"/usr/share/bash-completion/completions/kubectl-ds_" + plugin,
			"/usr/share/zsh/vendor-completions/_kubectl-ds_" + plugin,
			"/usr/share/fish/vendor_completions.d/kubectl-ds_" + plugin + ".fish",
		} {
			if _, ok := files[name]; !ok {
				t.Errorf("the package of %s has no %s", plugin, name)
			}
		}
		if info, err := os.Stat(base + ".rpm"); err != nil || info.Size() < 1<<20 {
			t.Errorf("the rpm of %s is missing or empty: %v", plugin, err)
		}
	}
}

func TestCasksLinkTheCompleterAndAllManPages(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // Homebrew has no programs of Windows
	}
	for _, plugin := range plugins {
		raw, err := os.ReadFile(filepath.Join(built.dist, "homebrew", "Casks", "kubectl-ds-"+plugin+".rb"))
		if err != nil {
			t.Fatal(err)
		}
		p, _ := manifest(t, filepath.Join(built.dist, "krew", "ds-"+plugin+".yaml")).For(runtime.GOOS, runtime.GOARCH)
		wants := []string{
			`binary "kubectl-ds_` + plugin + `"`,
			`binary "kubectl-ds_` + plugin + `", target: "kubectl_complete-ds_` + plugin + `"`,
			`sha256 "` + p.Sha256 + `"`,
			strings.ReplaceAll(p.URI, tag[1:], "#{version}"),
		}
		pages := 0
		for name := range entries(t, plugin) {
			if strings.HasPrefix(name, "man/") {
				pages++
				wants = append(wants, `manpage "`+name+`"`)
			}
		}
		if pages < 5 {
			t.Errorf("the archive of %s has %d man pages", plugin, pages)
		}
		for _, want := range wants {
			if !strings.Contains(string(raw), want) {
				t.Errorf("the cask of %s lacks %s:\n%s", plugin, want, raw)
			}
		}
	}
}
