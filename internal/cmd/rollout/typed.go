package rollout

import (
	"bytes"
	"encoding/csv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
)

// typedWords are a flag and its value as somebody would type them, unquoted.
func typedWords(flag *pflag.Flag) []string {
	name := "--" + flag.Name
	switch v := flag.Value.(type) {
	case pflag.SliceValue:
		var out []string
		for _, s := range v.GetSlice() {
			if flag.Value.Type() == "stringSlice" {
				s = csvWord(s)
			}
			out = append(out, name, s)
		}
		return out
	default:
		if flag.NoOptDefVal == "" {
			return []string{name, flag.Value.String()}
		}
		if flag.Value.Type() == "bool" && flag.Value.String() == "true" {
			return []string{name}
		}
		return []string{name + "=" + flag.Value.String()} // its value never is a word of its own
	}
}

// csvWord is a word of a list that is parted at commas.
func csvWord(s string) string {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if w.Write([]string{s}) != nil {
		return s
	}
	w.Flush()
	return strings.TrimSuffix(b.String(), "\n")
}

func quoteAll(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = cli.Quote(w)
	}
	return strings.Join(out, " ")
}
