package rollout

import (
	"regexp"
	"strings"
)

// Command joins words to a command line to paste into a shell: names come from
// a cluster, and are quoted where a shell would see more in them. The first
// words, up to the first that holds something from a cluster, are ours; flags
// are appended as they are, as in "--context prod".
func Command(flags string, words ...string) string {
	out := make([]string, len(words))
	for i, w := range words {
		if strings.HasPrefix(w, "-") && !ourFlag.MatchString(w) {
			w = "?" // a name that would be taken for a flag: no object has it
		}
		out[i] = quote(w)
	}
	line := strings.Join(out, " ")
	if flags != "" {
		line += " " + flags
	}
	return line
}

var (
	plainWord = regexp.MustCompile(`^[A-Za-z0-9@%+=:,./_-]+$`)
	ourFlag   = regexp.MustCompile(`^(-n|-c|-w|--previous|--yes|--hand-back|--fence-broken|--revision|--run|--until)$`)
)

func quote(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
