package main

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// each visits the commands that a user sees.
func each(t *testing.T, visit func(*cobra.Command)) {
	t.Helper()
	seen := 0
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Name() == "help" {
			return
		}
		seen++
		visit(c)
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	for _, r := range roots(t) {
		walk(r)
	}
	if seen < 30 {
		t.Fatalf("only %d commands seen", seen)
	}
}

func TestEveryCommandSaysWhatItDoesAndShowsHow(t *testing.T) {
	each(t, func(c *cobra.Command) {
		path := c.CommandPath()
		switch {
		case !strings.HasPrefix(path, "kubectl ds-"):
			t.Errorf("%s is not as it is typed", path)
		case c.Short == "" || !unicode.IsUpper(rune(c.Short[0])) || strings.HasSuffix(c.Short, "."):
			t.Errorf("%s: the short text %q begins in upper case and has no period", path, c.Short)
		case c.Example == "":
			t.Errorf("%s has no example", path)
		}
		for line := range strings.Lines(c.Example) {
			line = strings.TrimSpace(line)
			begins := func(word string) bool { return strings.HasPrefix(line, word) }
			if line != "" && !slices.ContainsFunc([]string{"#", "--", "kubectl ", "helm ", "mkdir -p ", "source <(", c.Root().Name()}, begins) {
				t.Errorf("%s: the example %q is nothing that is typed", path, line)
			}
		}
	})
}

func TestEveryFlagSaysWhatItIs(t *testing.T) {
	each(t, func(c *cobra.Command) {
		c.NonInheritedFlags().VisitAll(func(f *pflag.Flag) {
			if f.Hidden || f.Name == "help" || c.Parent() == nil && fromKubectl(f.Name) {
				return
			}
			if why := wrong(f); why != "" {
				t.Errorf("%s --%s: %s: %q, default %q", c.CommandPath(), f.Name, why, f.Usage, f.DefValue)
			}
		})
	})
}

// fromKubectl tells the flags whose words are kubectl's own.
func fromKubectl(name string) bool {
	return slices.Contains([]string{
		"as", "as-uid", "as-group", "as-user-extra", "cache-dir", "certificate-authority", "client-certificate", "client-key", "cluster",
		"context", "disable-compression", "insecure-skip-tls-verify", "kubeconfig", "namespace", "proxy-url", "request-timeout", "server",
		"tls-server-name", "token", "user",
	}, name)
}

// wrong says what is wrong with the words of a flag.
func wrong(f *pflag.Flag) string {
	usage := strings.TrimSpace(f.Usage)
	says := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(strings.ToLower(usage), w) })
	}
	switch kind := f.Value.Type(); {
	case usage == "":
		return "says nothing"
	case !unicode.IsUpper([]rune(usage)[0]):
		return "does not begin in upper case"
	case !strings.HasSuffix(usage, "."):
		return "does not end with a period"
	case kind == "duration" && !says("how long", "younger than", "time", "how often"):
		return "is a time and does not say so"
	case kind == "duration" && f.DefValue == "0s" && !says("0 means", "0 waits", "; 0 "):
		return "does not say what 0 means"
	case (kind == "int" || kind == "int64" || kind == "int32") && !says("how many", "how often", "seconds", "number", "revision", "wave", "nodes"):
		return "is a number of nobody knows what"
	case kind == "string" && f.DefValue == "" && says("default") && !says("the default is"):
		return "does not say its default in a sentence"
	}
	return ""
}

// The one test of completion that sees all flags: one that takes no file
// offers none.
func TestEveryFlagIsCompleted(t *testing.T) {
	files := []string{
		"kubeconfig", "cache-dir", "certificate-authority", "client-certificate", "client-key",
		"from", "filename", "policy", "journal", "gate-exec", "template", "dir",
	}
	each(t, func(c *cobra.Command) {
		if c.Name() == "options" {
			return
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Value.Type() == "bool" || slices.Contains(files, f.Name) {
				return
			}
			if _, ok := c.GetFlagCompletionFunc(f.Name); !ok {
				t.Errorf("%s --%s completes names of files", c.CommandPath(), f.Name)
			}
		})
	})
}
