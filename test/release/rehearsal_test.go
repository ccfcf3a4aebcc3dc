package release

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// released is the tag that is rehearsed: none with a -, for which less is done.
const released = "v0.9.8"

// TestAReleaseIsRehearsed runs goreleaser as the release workflow does, for this
// platform, against a GitHub on this machine. In make soak syft and cosign take
// part, with a key in place of the workflow's identity; they take minutes to
// build.
func TestAReleaseIsRehearsed(t *testing.T) {
	soak := os.Getenv("KUBECTL_DS_SOAK") != ""
	for name, tap := range map[string]string{"with a tap": "t", "without": ""} {
		if tap == "" && !soak {
			continue // the same again but for the casks
		}
		t.Run(name, func(t *testing.T) {
			g := newGitHub(t)
			args, path := []string{"release", "--clean", "--skip=sbom,sign"}, ""
			var tools signing
			if soak {
				tools = newSigning(t)
				args, path = args[:2], tools.path
			}
			goreleases(t, g, path, tap, args...)

			if diff := cmp.Diff([]bool{true, false}, g.drafts); diff != "" {
				t.Errorf("a draft, which is published when all is there (-want +got):\n%s", diff)
			}
			if len(g.other) > 0 {
				t.Errorf("not known to be asked: %v", g.other)
			}
			files := map[string]string{}
			for _, p := range plugins {
				files["kubectl-ds krew-"+released+" plugins/ds-"+p+".yaml"] = "Offer kubectl-ds " + released + " in this Krew index"
				if tap != "" {
					files["homebrew-tap main Casks/kubectl-ds-"+p+".rb"] = "Brew cask update for kubectl-ds version " + released
				}
			}
			if diff := cmp.Diff(files, g.files); diff != "" {
				t.Errorf("written to branches (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{"kubectl-ds:kubectl-ds:krew-" + released + " to main"}, g.pulls); diff != "" {
				t.Errorf("pull requests (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(assets(soak), slices.Sorted(maps.Keys(g.assets))); diff != "" {
				t.Errorf("files of the release (-want +got):\n%s", diff)
			}
			checksums(t, g)
			if soak {
				tools.verify(t, g)
				bills(t, g)
			}
		})
	}
}

// goreleases releases what is committed, from a clone with the tag.
func goreleases(t *testing.T, g *gitHub, path, tap string, args ...string) {
	t.Helper()
	src := filepath.Join(t.TempDir(), "src")
	git(t, built.root, "clone", "--quiet", "--no-local", "--no-tags", built.root, src)
	git(t, src, "checkout", "--quiet", "--detach", built.commit)
	git(t, src, "remote", "set-url", "origin", indexURL)
	config := filepath.Join(src, ".goreleaser.yaml")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	here := regexp.MustCompile(`targets: &targets \[.*\]`)
	if !here.Match(text) {
		t.Fatal(".goreleaser.yaml has no line 'targets: &targets [...]'")
	}
	text = here.ReplaceAll(text, []byte("targets: &targets ["+runtime.GOOS+"_"+runtime.GOARCH+"]"))
	text = fmt.Appendf(text, "\ngithub_urls: {api: %[1]s/api/v3/, upload: %[1]s/api/uploads/, download: %[1]s}\n", g.URL)
	if err := os.WriteFile(config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	git(t, src, "commit", "--quiet", "-am", "for this machine")
	git(t, src, "tag", released)

	cmd := exec.Command(goreleaser(t), args...)
	cmd.Dir = src
	cmd.Env = append(os.Environ(), "GITHUB_TOKEN=x", "PATH="+path+string(os.PathListSeparator)+os.Getenv("PATH"))
	if tap != "" {
		cmd.Env = append(cmd.Env, "TAP_TOKEN="+tap)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("goreleaser %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// assets are the files that a release of this platform has.
func assets(signed bool) []string {
	out := []string{"checksums.txt"}
	if signed {
		out = append(out, "checksums.txt.sigstore.json")
	}
	for _, p := range plugins {
		archive := strings.ReplaceAll(filepath.Base(archivePath(p)), tag, released)
		out = append(out, archive)
		if signed {
			out = append(out, archive+".sbom.json")
		}
		if runtime.GOOS == "linux" {
			for _, kind := range []string{"deb", "rpm"} {
				out = append(out, fmt.Sprintf("kubectl-ds-%s_%s_linux_%s.%s", p, released, runtime.GOARCH, kind))
			}
		}
	}
	slices.Sort(out)
	return out
}

// checksums demands that checksums.txt is true of all files but itself and its
// signature.
func checksums(t *testing.T, g *gitHub) {
	t.Helper()
	want := map[string]string{}
	for name, content := range g.assets {
		if !strings.HasPrefix(name, "checksums.txt") {
			sum := sha256.Sum256(content)
			want[name] = hex.EncodeToString(sum[:])
		}
	}
	got := map[string]string{}
	for line := range strings.Lines(string(g.assets["checksums.txt"])) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		got[name] = sum
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("checksums.txt (-want +got):\n%s", diff)
	}
}

// bills demands that each SBOM names the modules that are in the program.
func bills(t *testing.T, g *gitHub) {
	t.Helper()
	for name, content := range g.assets {
		if !strings.HasSuffix(name, ".sbom.json") {
			continue
		}
		var bill struct {
			SPDXVersion string
			Packages    []struct{ Name, VersionInfo string }
		}
		if err := json.Unmarshal(content, &bill); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		has := map[string]string{}
		for _, p := range bill.Packages {
			has[p.Name] = p.VersionInfo
		}
		for _, module := range []string{"k8s.io/client-go", "github.com/spf13/cobra"} {
			out, err := exec.Command("go", "list", "-C", built.root, "-m", "-f", "{{.Version}}", module).Output()
			if err != nil {
				t.Fatal(err)
			}
			if want := strings.TrimSpace(string(out)); has[module] != want || !strings.HasPrefix(bill.SPDXVersion, "SPDX-") {
				t.Errorf("%s (%s) has %s %q, the program %s", name, bill.SPDXVersion, module, has[module], want)
			}
		}
	}
}

// signing is a PATH with syft and a cosign that signs with a key.
type signing struct{ path, dir, cosign string }

func newSigning(t *testing.T) signing {
	t.Helper()
	if err := makeTarget(t.Context(), built.root, nil, "release-tools"); err != nil {
		t.Fatal(err)
	}
	tool := func(name string) string {
		found, err := filepath.Glob(filepath.Join(built.root, "bin", "tools", name+"-v*"))
		if err != nil || len(found) != 1 {
			t.Fatalf("want one %s in bin/tools, found %v %v", name, found, err)
		}
		return found[0]
	}
	s := signing{path: t.TempDir(), dir: t.TempDir(), cosign: tool("cosign")}
	if err := os.Symlink(tool("syft"), filepath.Join(s.path, "syft")); err != nil {
		t.Fatal(err)
	}
	s.run(t, "generate-key-pair")
	// No log and no authority takes part.
	s.write(t, "signing.json", `{"mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json"}`)
	s.write(t, "trusted.json", `{"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1"}`)
	script := fmt.Sprintf("#!/bin/sh\nCOSIGN_PASSWORD= exec %s \"$@\" --key %s/cosign.key --signing-config %[2]s/signing.json\n", s.cosign, s.dir)
	if err := os.WriteFile(filepath.Join(s.path, "cosign"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s signing) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s signing) run(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command(s.cosign, args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "COSIGN_PASSWORD=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("cosign %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// verify is what docs/releasing.md says, with the key.
func (s signing) verify(t *testing.T, g *gitHub) {
	t.Helper()
	for _, name := range []string{"checksums.txt", "checksums.txt.sigstore.json"} {
		s.write(t, name, string(g.assets[name]))
	}
	s.run(t, "verify-blob", "checksums.txt", "--bundle", "checksums.txt.sigstore.json",
		"--key", "cosign.pub", "--trusted-root", "trusted.json", "--insecure-ignore-tlog")
}
