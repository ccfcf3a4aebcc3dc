package main

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Words in what a command prints, that are what a person or the system does to
// it.
const (
	interrupted = "^C"
	killed      = "Killed"
)

// shown is a command of a document, and what the document shows of it.
type shown struct {
	command string
	output  string
	// signal is what the shown process gets after it has printed the line
	// after.
	signal, after string
}

var block = regexp.MustCompile("(?s)```console\n(.*?)```")

// rewrite replaces the output of every kubectl command in the console blocks
// of a document.
func rewrite(text string, perform func(c shown) string) string {
	return block.ReplaceAllStringFunc(text, func(b string) string {
		lines := strings.SplitAfter(strings.TrimSuffix(strings.TrimPrefix(b, "```console\n"), "```"), "\n")
		var out strings.Builder
		out.WriteString("```console\n")
		for i := 0; i < len(lines); {
			begin := i
			for i++; i < len(lines) && !strings.HasPrefix(lines[i], "$ "); i++ {
			}
			out.WriteString(again(lines[begin:i], i < len(lines), perform))
		}
		out.WriteString("```")
		return out.String()
	})
}

// again runs the command in the first lines, if it is one of kubectl that asks
// the cluster. What reads a capture is run by internal/cmd/coverage.
func again(lines []string, more bool, perform func(c shown) string) string {
	if !strings.HasPrefix(lines[0], "$ kubectl ") || strings.Contains(lines[0], " --from ") {
		return strings.Join(lines, "")
	}
	head := 1
	for strings.HasSuffix(lines[head-1], "\\\n") {
		head++
	}
	c := shown{command: strings.NewReplacer("\\\n", " ", "\n", "").Replace(strings.Join(lines[:head], ""))}
	for i := head; i < len(lines); i++ {
		if line := strings.TrimSpace(lines[i]); (line == interrupted || line == killed) && i > head {
			c.signal, c.after = line, lines[i-1]
		}
	}
	c.output = strings.Join(lines[head:], "")
	blank := ""
	if more {
		blank = "\n"
		c.output = strings.TrimSuffix(c.output, "\n")
	}
	return strings.Join(lines[:head], "") + perform(c) + blank
}

// words parts a command as a shell does, as far as the documents need it.
func words(command string) []string {
	var out []string
	var word strings.Builder
	open, any := rune(0), false
	for _, r := range command + " " {
		switch {
		case open != 0 && r == open:
			open = 0
		case open != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			open, any = r, true
		case r != ' ':
			word.WriteRune(r)
			any = true
		case any:
			out = append(out, word.String())
			word.Reset()
			any = false
		}
	}
	return out
}

// What differs from one run to the next.
var masks = []struct {
	what *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`(?m)^time .*(\n {11}.*)*$`), "time ..."}, // of a plan: simulated pods are ready in less than a second, or not
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`), "TIME"},
	{regexp.MustCompile(`\d\d:\d\d(:\d\d)?Z`), "TIME"},
	{regexp.MustCompile(`(\brun[= ]|\bRun |"run":")[a-z0-9]{4}\b`), "${1}RUN"},
	{regexp.MustCompile(agent + `-[a-z0-9]{5}\b`), agent + "-POD"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "ADDRESS"},
	{regexp.MustCompile(` (after|took|left)=\S+`), ""},
	{regexp.MustCompile(`\bhost \S+`), "host HOST"},
	{regexp.MustCompile(`process \d+`), "process N"},
	{regexp.MustCompile(`\b(\d+(ms|h|m|s))+\b`), "DURATION"},
	{regexp.MustCompile(` done=\d+`), " done=N"},
	{regexp.MustCompile(` ceiling=\d+/`), " ceiling=N/"},
	{regexp.MustCompile(`(?m)^TIME Progress .*\n`), ""},
	{regexp.MustCompile(` +`), " "},
	{regexp.MustCompile(`(?m) $`), ""},
}

func masked(text string) string {
	for _, m := range masks {
		text = m.what.ReplaceAllString(text, m.with)
	}
	return text
}

// comparable is masked, with events in an order: where several nodes are in
// flight, who is first is up to the cluster.
func comparable(text string) string {
	lines := strings.Split(masked(text), "\n")
	for i := 0; i < len(lines); i++ {
		end := i
		for end < len(lines) && strings.HasPrefix(lines[end], "TIME ") {
			end++
		}
		slices.Sort(lines[i:end])
		i = max(i, end-1)
	}
	return strings.Join(lines, "\n")
}

// leftOut stands in a document for lines that it does not show.
const leftOut = "..."

// agrees reports whether a document may show what it does, where that was
// printed. Where lines are left out, those that stand are to be there: events
// in whatever order, all others in theirs.
func agrees(shown, printed string) bool {
	a, b := strings.Split(comparable(shown), "\n"), strings.Split(comparable(printed), "\n")
	if !slices.Contains(a, leftOut) {
		return slices.Equal(a, b)
	}
	next := 0
	for _, line := range a {
		switch {
		case line == leftOut:
		case strings.HasPrefix(line, "TIME "):
			if !slices.Contains(b, line) {
				return false
			}
		default:
			at := slices.Index(b[next:], line)
			if at < 0 {
				return false
			}
			next += at + 1
		}
	}
	return true
}

// watched collects what a process prints, and sends it a signal after a line.
type watched struct {
	after, signal string

	mu      sync.Mutex
	out     bytes.Buffer
	seen    int // of out, by lines
	process *os.Process
	sent    bool
}

func (w *watched) started(p *os.Process) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.process = p
	w.look()
}

// Write implements io.Writer.
func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n, err := w.out.Write(p)
	w.look()
	return n, err
}

// look sends the signal once the line is there.
func (w *watched) look() {
	for !w.sent && w.signal != "" && w.process != nil {
		n := bytes.IndexByte(w.out.Bytes()[w.seen:], '\n')
		if n < 0 {
			return
		}
		line := string(w.out.Bytes()[w.seen : w.seen+n+1])
		w.seen += n + 1
		if masked(line) != w.after {
			continue
		}
		w.sent = true
		if w.signal == killed {
			_ = w.process.Kill()
			continue
		}
		_ = w.process.Signal(os.Interrupt)
		rest := bytes.Clone(w.out.Bytes()[w.seen:])
		w.out.Truncate(w.seen)
		w.out.WriteString(interrupted + "\n")
		w.out.Write(rest)
	}
}

// String is all that was printed, with the exit code where it is not 0.
func (w *watched) String(code int) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.out.String()
	switch {
	case w.signal == killed && w.sent:
		return out + killed + "\n"
	case code != 0:
		return out + fmt.Sprintf("exit status %d\n", code)
	default:
		return out
	}
}

func TestWhatIsShownIsReadAndWrittenAgain(t *testing.T) {
	text := "a\n```console\n$ kubectl get pods \\\n    -n x\none\n^C\ntwo\n\n$ kubectl version\nthree\n$ other\nkept\n\n$ kubectl x --from y\nkept, too\n```\nb\n"
	var seen []shown
	got := rewrite(text, func(c shown) string {
		seen = append(seen, c)
		return c.output
	})
	if got != text {
		t.Errorf("rewritten to\n%s", got)
	}
	if len(seen) != 2 || seen[0].command != "$ kubectl get pods      -n x" || seen[0].signal != interrupted || seen[0].after != "one\n" {
		t.Errorf("%+v", seen)
	}
	if got := words(`-o jsonpath='{.a} {.b}' --x "" y`); !slices.Equal(got, []string{"-o", "jsonpath={.a} {.b}", "--x", "", "y"}) {
		t.Errorf("%q", got)
	}
	for _, differs := range [][2]string{{"deleted 3 pods", "deleted 4 pods"}, {"PAUSED", "STOPPED"}, {"node=a", "node=b"}, {"revision 2", "revision 3"}} {
		if comparable(differs[0]) == comparable(differs[1]) {
			t.Errorf("%q and %q are the same", differs[0], differs[1])
		}
	}
	a := "2026-11-24T13:22:06Z NodeDone node=b took=1s done=2/3\n2026-11-24T13:22:05Z NodeDone node=a done=1/3\nend 7s\n"
	b := "2026-11-25T13:22:05Z NodeDone node=a took=2s done=2/3\n2026-11-24T13:22:05Z Progress x\n2026-11-24T13:22:05Z NodeDone node=b done=3/3\nend 1m7s\n"
	if !agrees(a, b) {
		t.Errorf("differ:\n%s%s", comparable(a), comparable(b))
	}
	for shown, want := range map[string]bool{
		"one\n...\nthree\n": true, "...\ntwo\nthree\n": true, "three\n...\none\n": false, "one\n...\nfour\n": false, "one\ntwo\n": false,
	} {
		if got := agrees(shown, "one\ntwo\nthree\n"); got != want {
			t.Errorf("%q agrees: %v", shown, got)
		}
	}
}
