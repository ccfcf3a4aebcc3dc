package coverage

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// count prints a number with its noun: 1 node, 3 nodes.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// few names three and counts the rest.
func few(names []string) string {
	const most = 3
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s, +%d", strings.Join(names[:most], ", "), len(names)-most)
}

// lowerFirst makes a sentence of the registry the rest of another one.
func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + strings.TrimSuffix(s[1:], ".")
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// clock prints a time as UTC with Z.
func clock(t snapshot.Time) string {
	if t == 0 {
		return "an unknown time"
	}
	return time.Unix(int64(t), 0).UTC().Format(time.RFC3339)
}

// age prints how long ago t was, as kubectl does.
func age(now time.Time, t snapshot.Time) string {
	if t == 0 {
		return "unknown"
	}
	return duration.HumanDuration(max(0, now.Sub(time.Unix(int64(t), 0))))
}

// capped cuts text from the cluster to one line of at most n runes.
func capped(s string, n int) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > n {
		return string(r[:n-3]) + "..."
	}
	return s
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9@%+=:,./_-]+$`)

// quote makes a word safe to paste into a shell: names come from the cluster.
func quote(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// ownFlags are the flags in printed commands. Everything else in them comes from
// the cluster, or from a capture that somebody wrote.
var ownFlags = map[string]bool{"-n": true, "-c": true, "-o": true, "-z": true, "-A": true, "--previous": true, "--overwrite": true, "-w": true}

// command joins words to a command line that acts on the cluster that was
// read.
func (o *Options) command(words ...string) string {
	for i, w := range words {
		if strings.HasPrefix(w, "-") && !ownFlags[w] {
			w = "?" // a name that would be taken for a flag: no object has it
		}
		words[i] = quote(w)
	}
	line := strings.Join(words, " ")
	if o.CommandFlags != "" {
		line += " " + o.CommandFlags
	}
	return line
}

// own is a command of ds-coverage itself that judges what was judged here.
func (o *Options) own(words ...string) string {
	line := o.command(append([]string{"kubectl", "ds-coverage"}, words...)...)
	if o.ReportFlags != "" {
		line += " " + o.ReportFlags
	}
	return line
}
