package archive

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	kjson "sigs.k8s.io/json"
)

// Command makes a capture that holds all that verdicts need.
const Command = "kubectl get nodes,daemonsets.apps,controllerrevisions.apps,pods,events,namespaces -A -o json"

// Bounds of what is read. Variables, so that tests reach them with small
// inputs.
var (
	maxItem    int64 = 32 << 20  // one object; the API server stops at a few MiB
	maxYAML    int64 = 256 << 20 // one YAML document that is parsed whole
	maxWhole   int64 = 4 << 20   // what is parsed whole without trying to do it in pieces
	maxPending int64 = 256 << 20 // items whose kind is not known yet
	maxSparse  int64 = 64 << 20  // what gzip may expand to without its ratio being looked at
)

// maxRatio is more than gzip makes of real captures (20 to 100), and less than
// its limit, which only a bomb comes near.
const maxRatio = 500

var errTooLarge = errors.New("too large")

// remedy ends the messages about input that is no capture.
func remedy(format string, args ...any) error {
	return fmt.Errorf(format+"; make a capture with: "+Command, args...)
}

// truncated says that the input ends inside a document.
func truncated(at int64) error {
	return fmt.Errorf("the capture is truncated: it ends at byte %d, inside a JSON document; take it again", at)
}

// syntax explains why the JSON decoder stopped. begin is where the value
// begins that it was reading, read how many bytes it was given.
func syntax(err error, begin, read int64) error {
	switch {
	case errors.Is(err, errTooLarge):
		return fmt.Errorf("the value that begins at byte %d is larger than %s, which no Kubernetes object is; take the capture again", begin, size(maxItem))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return truncated(read)
	}
	var se *json.SyntaxError
	if isKube, _ := kjson.SyntaxErrorOffset(err); isKube || errors.As(err, &se) {
		return fmt.Errorf("not valid JSON, in the value that begins at byte %d: %w; take the capture again", begin, err)
	}
	return err
}

func size(n int64) string {
	if n >= 1<<20 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d bytes", n)
}

// printable quotes what would do things to a terminal, and cuts what is long:
// no name is.
func printable(s string) string {
	if len(s) > 320 {
		s = s[:320] + "..."
	}
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }) {
		return strconv.Quote(s)
	}
	return s
}

// found describes counted kinds, the most frequent first.
func found(kinds map[string]int) string {
	names := slices.Collect(maps.Keys(kinds))
	slices.SortFunc(names, func(a, b string) int {
		if d := kinds[b] - kinds[a]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	more := 0
	if len(names) > 5 {
		more = len(names) - 5
		names = names[:5]
	}
	for i, n := range names {
		names[i] = fmt.Sprintf("%d of kind %s", kinds[n], printable(n))
	}
	s := strings.Join(names, ", ")
	if more > 0 {
		s += fmt.Sprintf(" and %d kinds more", more)
	}
	return s
}
