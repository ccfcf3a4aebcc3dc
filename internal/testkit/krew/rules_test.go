package krew

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const good = `apiVersion: krew.googlecontainertools.github.com/v1alpha2
kind: Plugin
metadata: {name: ds-x}
spec:
  version: v0.1.0
  shortDescription: Say what is missing
  description: Says what is missing.
  platforms:
  - uri: https://example.org/x_linux_amd64.tar.gz
    sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
    bin: kubectl-ds_x
    selector: {matchLabels: {os: linux, arch: amd64}}
  - uri: https://example.org/x_windows_amd64.zip
    sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
    bin: kubectl-ds_x.exe
    selector: {matchLabels: {os: windows, arch: amd64}}
`

func TestCheckAcceptsAGoodManifest(t *testing.T) {
	m, err := Parse([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	if got := Check("ds-x.yaml", m); len(got) > 0 {
		t.Errorf("refused:\n%s", strings.Join(got, "\n"))
	}
}

func TestCheckFindsWhatKrewRefuses(t *testing.T) {
	linux := func(m *Manifest) *Platform { return &m.Spec.Platforms[0] }
	cases := []struct {
		name, file, want string
		spoil            func(*Manifest)
	}{
		{"another version of the API", "", "apiVersion", func(m *Manifest) { m.APIVersion = "krew.googlecontainertools.github.com/v1" }},
		{"another kind", "", "kind", func(m *Manifest) { m.Kind = "Pod" }},
		{"a name with a blank", "ds x.yaml", "characters other", func(m *Manifest) { m.Metadata.Name = "ds x" }},
		{"the name of a device", "con.yaml", "device", func(m *Manifest) { m.Metadata.Name = "con" }},
		{"a file of another name", "x.yaml", "the file of", func(*Manifest) {}},
		{"a version without v", "", "version", func(m *Manifest) { m.Spec.Version = "0.1.0" }},
		{"no short description", "", "shortDescription is empty", func(m *Manifest) { m.Spec.ShortDescription = "" }},
		{"a short description of two lines", "", "line break", func(m *Manifest) { m.Spec.ShortDescription = "a\nb" }},
		{"no platform", "", "platforms is empty", func(m *Manifest) { m.Spec.Platforms = nil }},
		{"a platform without uri", "", "no uri", func(m *Manifest) { linux(m).URI = "" }},
		{"a sha256 in capitals", "", "sha256", func(m *Manifest) { linux(m).Sha256 = strings.ToUpper(linux(m).Sha256) }},
		{"no bin", "", "no bin", func(m *Manifest) { linux(m).Bin = "" }},
		{"files that are empty", "", "there and empty", func(m *Manifest) { linux(m).Files = &[]File{} }},
		{"files without to", "", "without from or to", func(m *Manifest) { linux(m).Files = &[]File{{From: "*"}} }},
		{"no selector", "", "selector is empty", func(m *Manifest) { linux(m).Selector = nil }},
		{"a selector on libc", "", `names "libc"`, func(m *Manifest) { linux(m).Selector.MatchLabels["libc"] = "musl" }},
		{"an expression on libc", "", `names "libc"`, func(m *Manifest) {
			linux(m).Selector.MatchExpressions = []metav1.LabelSelectorRequirement{{Key: "libc", Operator: metav1.LabelSelectorOpDoesNotExist}}
		}},
		{"a machine that Krew is not built for", "", "matches no machine", func(m *Manifest) { linux(m).Selector.MatchLabels["arch"] = "s390x" }},
		{"two platforms for one machine", "", "2 platforms match linux/amd64", func(m *Manifest) { m.Spec.Platforms = append(m.Spec.Platforms, *linux(m)) }},
		{"an archive of another kind", "", "neither .tar.gz nor .zip", func(m *Manifest) { linux(m).URI = "https://example.org/x.tar.xz" }},
		{"a Windows program without .exe", "", "does not end in .exe", func(m *Manifest) { m.Spec.Platforms[1].Bin = "kubectl-ds_x" }},
		{"a long short description", "", "more than 50", func(m *Manifest) { m.Spec.ShortDescription = strings.Repeat("a", 51) }},
		{"a long line", "", "more than 80", func(m *Manifest) { m.Spec.Description = strings.Repeat("a", 81) }},
		{"usage in the description", "", "usage in it", func(m *Manifest) { m.Spec.Description = "Says it.\nUsage: kubectl ds-x" }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m, err := Parse([]byte(good))
			if err != nil {
				t.Fatal(err)
			}
			c.spoil(&m)
			file := c.file
			if file == "" {
				file = "ds-x.yaml"
			}
			got := Check(file, m)
			if len(got) != 1 || !strings.Contains(got[0], c.want) {
				t.Errorf("want one complaint with %q, got:\n%s", c.want, strings.Join(got, "\n"))
			}
		})
	}
}

func TestParseRefusesUnknownFields(t *testing.T) {
	if _, err := Parse([]byte(good + "  license: MIT\n")); err == nil || !strings.Contains(err.Error(), "license") {
		t.Errorf("unknown field taken: %v", err)
	}
}
