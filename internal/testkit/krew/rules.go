package krew

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

var (
	safeName   = regexp.MustCompile(`^[\w-]+$`)
	deviceName = regexp.MustCompile(`(?i)^(con|prn|aux|nul|com[0-9]|lpt[0-9])$`)
	semver     = regexp.MustCompile(`^v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z.-]+)?$`)
	sha256sum  = regexp.MustCompile(`^[a-f0-9]{64}$`)
	usageLine  = regexp.MustCompile(`(?i)^\s*(usage:|options:|flags:|examples?:|-)`)
)

// supported are the machines for which Krew is built.
var supported = []labels.Set{
	{"os": "windows", "arch": "386"}, {"os": "windows", "arch": "amd64"}, {"os": "windows", "arch": "arm64"},
	{"os": "linux", "arch": "386"}, {"os": "linux", "arch": "amd64"}, {"os": "linux", "arch": "arm"},
	{"os": "linux", "arch": "arm64"}, {"os": "linux", "arch": "ppc64le"},
	{"os": "darwin", "arch": "386"}, {"os": "darwin", "arch": "amd64"}, {"os": "darwin", "arch": "arm64"},
}

// maxShort is what the reviewers of krew-index ask for; the validator takes any
// length. maxLine is the same of descriptions.
const (
	maxShort = 50
	maxLine  = 80
)

// Check returns what krew-index would refuse or ask to change in the manifest
// of a file.
func Check(file string, m Manifest) []string {
	var c complaints
	c.header(file, m)
	c.words(m.Spec)
	c.want(len(m.Spec.Platforms) > 0, "spec.platforms is empty")
	for i, p := range m.Spec.Platforms {
		c.platform(fmt.Sprintf("spec.platforms[%d]", i), p)
	}
	c.overlaps(m.Spec.Platforms)
	return c
}

type complaints []string

func (c *complaints) want(ok bool, format string, args ...any) {
	if !ok {
		*c = append(*c, fmt.Sprintf(format, args...))
	}
}

func (c *complaints) header(file string, m Manifest) {
	const version = "krew.googlecontainertools.github.com/v1alpha2"
	c.want(m.APIVersion == version, "apiVersion is %q, not %q", m.APIVersion, version)
	c.want(m.Kind == "Plugin", "kind is %q, not Plugin", m.Kind)
	name := m.Metadata.Name
	c.want(safeName.MatchString(name), "name %q has characters other than letters, digits, _ and -", name)
	c.want(!deviceName.MatchString(name), "name %q is that of a device on Windows", name)
	c.want(file == name+".yaml", "the file of %q is %q, not %q", name, file, name+".yaml")
}

func (c *complaints) words(s Spec) {
	c.want(semver.MatchString(s.Version), "version %q is not like v0.1.0", s.Version)
	c.want(s.ShortDescription != "", "shortDescription is empty")
	c.want(!strings.ContainsAny(s.ShortDescription, "\r\n"), "shortDescription has a line break")
	c.want(utf8.RuneCountInString(s.ShortDescription) <= maxShort, "shortDescription has %d characters, more than %d", utf8.RuneCountInString(s.ShortDescription), maxShort)
	for line := range strings.Lines(s.Description) {
		line = strings.TrimRight(line, "\r\n")
		c.want(utf8.RuneCountInString(line) <= maxLine, "description has a line of more than %d characters: %s", maxLine, line)
		c.want(!usageLine.MatchString(line), "description has usage in it: %s", line)
	}
}

func (c *complaints) platform(at string, p Platform) {
	c.want(p.URI != "", "%s has no uri", at)
	c.want(p.URI == "" || strings.HasSuffix(p.URI, ".tar.gz") || strings.HasSuffix(p.URI, ".zip"), "%s: uri %q is neither .tar.gz nor .zip", at, p.URI)
	c.want(sha256sum.MatchString(p.Sha256), "%s: sha256 %q is not 64 lower-case hexadecimal digits", at, p.Sha256)
	c.want(p.Bin != "", "%s has no bin", at)
	if p.Files != nil {
		c.want(len(*p.Files) > 0, "%s: files is there and empty", at)
		for _, f := range *p.Files {
			c.want(f.From != "" && f.To != "", "%s: files has an entry without from or to", at)
		}
	}
	if p.Selector == nil || len(p.Selector.MatchLabels)+len(p.Selector.MatchExpressions) == 0 {
		c.want(false, "%s: selector is empty", at)
		return
	}
	if key := foreignKey(p.Selector); key != "" {
		c.want(false, "%s: selector names %q, not os or arch", at, key)
		return
	}
	matched := 0
	for _, machine := range supported {
		if !p.Matches(machine) {
			continue
		}
		matched++
		c.want(machine["os"] != "windows" || strings.HasSuffix(p.Bin, ".exe"), "%s: bin %q is for Windows and does not end in .exe", at, p.Bin)
	}
	c.want(matched > 0, "%s: selector matches no machine that Krew is built for", at)
}

func foreignKey(s *metav1.LabelSelector) string {
	keys := slices.Collect(maps.Keys(s.MatchLabels))
	for _, e := range s.MatchExpressions {
		keys = append(keys, e.Key)
	}
	i := slices.IndexFunc(keys, func(k string) bool { return k != "os" && k != "arch" })
	if i < 0 {
		return ""
	}
	return keys[i]
}

func (c *complaints) overlaps(platforms []Platform) {
	for _, machine := range supported {
		n := 0
		for _, p := range platforms {
			if p.Matches(machine) {
				n++
			}
		}
		c.want(n <= 1, "%d platforms match %s/%s", n, machine["os"], machine["arch"])
	}
}

// Matches tells whether the archive is for such a machine.
func (p Platform) Matches(machine labels.Set) bool {
	if p.Selector == nil {
		return false
	}
	s, err := metav1.LabelSelectorAsSelector(p.Selector)
	return err == nil && s.Matches(machine)
}

// For returns the platform of a machine.
func (m Manifest) For(goos, goarch string) (Platform, bool) {
	for _, p := range m.Spec.Platforms {
		if p.Matches(labels.Set{"os": goos, "arch": goarch}) {
			return p, true
		}
	}
	return Platform{}, false
}
