package present

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/golden"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

var (
	to42   = rollout.Revision{Name: "cilium-5d8b7c9f4", Hash: "5d8b7c9f4", Number: 42}
	from41 = rollout.Revision{Name: "cilium-6f4c9d7b8", Hash: "6f4c9d7b8", Number: 41}
)

func at(clock string) time.Time {
	t, err := time.Parse("15:04:05", clock)
	if err != nil {
		panic(err)
	}
	return time.Date(2026, 11, 23, t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

func streamOptions() StreamOptions {
	return StreamOptions{
		Context: "train-eu-1", Namespace: "kube-system", Name: "cilium", CommandFlags: "--context train-eu-1",
		Revisions: []rollout.Revision{to42, from41},
	}
}

// statusAt is a run in its canary.
func statusAt(clock string) *rollout.Status {
	return &rollout.Status{
		Run: "7f3k", Namespace: "kube-system", Name: "cilium", At: at(clock), Phase: rollout.Running, Target: to42, From: from41,
		Ceiling: 4, Taken: []string{"ip-10-0-141-7", "ip-10-0-31-7"}, Total: 190,
		Waves: []rollout.WaveStatus{{Number: 1, Nodes: 3, Begun: true}, {Number: 2, Nodes: 7}, {Number: 3, Nodes: 180}},
	}
}

func soaking(clock string, soaked time.Duration) *rollout.Status {
	s := statusAt(clock)
	s.Flights = []rollout.FlightStatus{{
		Node: "ip-10-0-31-7", Zone: "a", Wave: 1, Code: rollout.WaitSoak, Since: at("15:30:12"), Pod: "cilium-w8d5k",
		Soaks: soaked, Until: s.At.Add(2*time.Minute - soaked),
	}}
	return s
}

func waits(c rollout.Cause) rollout.Decision {
	return rollout.Decision{Wait: &rollout.Wait{Because: []rollout.Cause{c}}}
}

type watcher interface {
	Event(rollout.Event)
	Look(*rollout.Status, rollout.Decision)
}

// tell is the canary of the golden files, as a driver tells it.
func tell(w watcher) {
	soak := waits(rollout.Cause{Code: rollout.WaitSoak, Node: "ip-10-0-31-7", Message: "cilium-w8d5k"})
	ev := func(clock string, e rollout.Event) {
		e.At, e.Run = at(clock), "7f3k"
		w.Event(e)
	}
	ev("15:30:12", rollout.Event{Type: rollout.EventStarted, Revision: to42.Hash, Nodes: 190})
	w.Look(statusAt("15:30:12"), rollout.Decision{})
	ev("15:30:12", rollout.Event{Type: rollout.EventWaveStarted, Wave: 1, Nodes: 3})
	ev("15:30:13", rollout.Event{
		Type: rollout.EventPodDeleted, Wave: 1, Node: "ip-10-0-31-7", Pod: "cilium-6c2hq", Revision: from41.Hash, Taken: 2, Ceiling: 4,
	})
	w.Look(statusAt("15:30:40"), waits(rollout.Cause{Code: rollout.WaitNewPod, Node: "ip-10-0-31-7"}))
	ev("15:30:52", rollout.Event{Type: rollout.EventPodReady, Wave: 1, Node: "ip-10-0-31-7", Pod: "cilium-w8d5k", Revision: to42.Hash})
	w.Look(soaking("15:30:52", 0), soak)
	w.Look(soaking("15:31:51", 59*time.Second), soak) // not yet
	w.Look(soaking("15:31:52", 60*time.Second), soak)
	w.Look(soaking("15:32:20", 88*time.Second), soak) // not again
	ev("15:32:56", rollout.Event{
		Type: rollout.EventNodeDone, Wave: 1, Node: "ip-10-0-31-7", Pod: "cilium-w8d5k", Took: 163 * time.Second, Done: 1, Total: 190, Taken: 3, Ceiling: 4,
	})
	ev("15:33:20", rollout.Event{Type: rollout.EventPaused, Wave: 1, Done: 3, Total: 190, Code: rollout.PauseApproval})
}

func TestLinesTellTheCanaryOfTheScreens(t *testing.T) {
	var out bytes.Buffer
	l := NewLines(&out, streamOptions())
	tell(l)
	if l.Err() != nil {
		t.Fatal(l.Err())
	}
	golden.Assert(t, out.String(), "stream-lines.golden")
}

func TestNDJSONIsOneObjectALine(t *testing.T) {
	var out bytes.Buffer
	n := NewNDJSON(&out, streamOptions())
	tell(n)
	if n.Err() != nil {
		t.Fatal(n.Err())
	}
	for line := range strings.Lines(out.String()) {
		var ev RolloutEvent
		if err := json.Unmarshal([]byte(line), &ev); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		if ev.Kind != KindRolloutEvent || ev.Type == "" || ev.At.IsZero() || ev.Run != "7f3k" {
			t.Errorf("line lacks what every line has: %s", line)
		}
	}
	golden.Assert(t, out.String(), "stream-ndjson.golden")
}

func TestProgressKnowsWhatIsLeftOnceItHasSeenAPace(t *testing.T) {
	var out bytes.Buffer
	l := NewLines(&out, streamOptions())
	for i := range 11 { // two nodes a minute
		s := statusAt("16:00:00")
		s.At = s.At.Add(time.Duration(i) * time.Minute)
		s.Done = 2 * i
		l.Look(s, rollout.Decision{})
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 10 {
		t.Fatalf("%d heartbeats in 10 minutes:\n%s", len(lines), out.String())
	}
	if last := lines[9]; !strings.Contains(last, "done=20/190") || !strings.Contains(last, "left=85m") {
		t.Errorf("170 nodes at 2 a minute: %s", last)
	}
}

// Who looks on decides nothing: the heartbeat tells by the status what the run
// waits for.
func TestAHeartbeatSaysWhyItWaits(t *testing.T) {
	paused := statusAt("15:31:52")
	paused.Phase, paused.Because = rollout.Running, &rollout.Cause{Code: rollout.PauseApproval, Wave: 1}
	closed := statusAt("15:31:52")
	opens := metav1.NewTime(at("17:00:00"))
	closed.Waits = &rollout.Cause{Code: rollout.WaitWindow, Since: &opens}
	for want, s := range map[string]*rollout.Status{
		`waits="soak 60s of 2m on ip-10-0-31-7" `:                       soaking("15:31:52", time.Minute),
		`waits="canary done, approval asked" `:                          paused,
		`waits="outside the window, it opens at 2026-11-23T17:00:00Z" `: closed,
		` left=`: statusAt("15:31:52"),
	} {
		var out bytes.Buffer
		l := NewLines(&out, streamOptions())
		l.Look(statusAt("15:30:12"), rollout.Decision{})
		l.Look(s, rollout.Decision{})
		if !strings.Contains(out.String(), " Progress ") || !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in %s", want, out.String())
		}
	}
}

func TestRate(t *testing.T) {
	for _, c := range []struct {
		name string
		done []int // one a minute
		want float64
		ok   bool
	}{
		{"nothing seen", nil, 0, false},
		{"one look", []int{5}, 0, false},
		{"one node is chance", []int{5, 6}, 0, false},
		{"nodes done before this process do not count", []int{80, 82}, 2, true},
		{"an old pace leaves the window", []int{0, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76}, 1, true},
		{"a stop shows as a lower pace", []int{0, 4, 4, 4}, 4.0 / 3, true},
		{"a turn counts anew", []int{10, 20, 0, 3}, 3, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r rate
			now := at("16:00:00")
			for i, d := range c.done {
				now = at("16:00:00").Add(time.Duration(i) * time.Minute)
				r.see(&rollout.Status{Phase: rollout.Running, At: now, Done: d, Total: 190})
			}
			got, ok := r.perMinute(now)
			if ok != c.ok || got < c.want-0.001 || got > c.want+0.001 {
				t.Errorf("rate %v, %v; want %v, %v", got, ok, c.want, c.ok)
			}
		})
	}
	t.Run("a run that rests has no pace", func(t *testing.T) {
		var r rate
		r.see(&rollout.Status{Phase: rollout.Running, At: at("16:00:00")})
		r.see(&rollout.Status{Phase: rollout.Running, At: at("16:05:00"), Done: 9})
		r.see(&rollout.Status{Phase: rollout.Paused, At: at("16:06:00"), Done: 9})
		if got, ok := r.perMinute(at("16:06:00")); ok {
			t.Errorf("rate %v", got)
		}
	})
}

func TestGoOnIsWhatToType(t *testing.T) {
	for code, want := range map[rollout.Code]string{
		rollout.PauseAsked:    "To go on: kubectl ds-rollout resume -n kube-system cilium --context train-eu-1 --yes\n",
		rollout.PauseApproval: "To go on: kubectl ds-rollout approve -n kube-system cilium --context train-eu-1 && kubectl ds-rollout resume -n kube-system cilium --context train-eu-1 --yes\n",
	} {
		var out bytes.Buffer
		NewLines(&out, streamOptions()).GoOn(code)
		if out.String() != want {
			t.Errorf("%s: %s", code, out.String())
		}
	}
}

// Lines are silent about a built-in gate that passes at once; the journal is
// not, and nothing that a person should know goes unsaid.
func TestLinesLeaveOutGatesThatPassAtOnce(t *testing.T) {
	o := streamOptions()
	const collateral = string(rollout.GateCollateral)
	o.Builtin = []string{collateral}
	var lines, js bytes.Buffer
	l, n := NewLines(&lines, o), NewNDJSON(&js, o)
	for _, e := range []rollout.Event{
		{Type: rollout.EventGatePassed, Gate: collateral, Node: "n1", Reason: "pass"},
		{Type: rollout.EventGatePassed, Gate: "slo", Node: "n1", Reason: "pass", Message: "all well"},
		{Type: rollout.EventGateBlocked, Gate: collateral, Node: "n2", Reason: "hold"},
		{Type: rollout.EventGatePassed, Gate: collateral, Node: "n2", Reason: "pass"},
	} {
		e.At = at("16:00:00")
		l.Event(e)
		n.Event(e)
	}
	want := `2026-11-23T16:00:00Z GatePassed   node=n1 gate=slo message="all well"
2026-11-23T16:00:00Z GateBlocked  node=n2 gate=collateral reason=hold
2026-11-23T16:00:00Z GatePassed   node=n2 gate=collateral
`
	if lines.String() != want {
		t.Errorf("got\n%s", lines.String())
	}
	if got := strings.Count(js.String(), "GatePassed"); got != 3 {
		t.Errorf("the journal has %d passes", got)
	}
}

func TestTheFirstLineThatNamesARevisionHasItsNumber(t *testing.T) {
	o := streamOptions()
	o.Revisions = nil
	var out bytes.Buffer
	NewLines(&out, o).Event(rollout.Event{Type: rollout.EventPinned, At: at("16:00:00"), Revision: to42.Hash, Number: 42})
	if want := "2026-11-23T16:00:00Z Pinned       revision=42\n"; out.String() != want {
		t.Errorf("got %s", out.String())
	}
}

func TestTheFirstLineOfAResumedRunNamesTheCluster(t *testing.T) {
	var out bytes.Buffer
	NewLines(&out, streamOptions()).Event(rollout.Event{Type: rollout.EventResumed, At: at("16:00:00"), Run: "7f3k", Revision: to42.Hash, Nodes: 190})
	if want := "2026-11-23T16:00:00Z Resumed      run=7f3k daemonset=kube-system/cilium context=train-eu-1 revision=42 nodes=190\n"; out.String() != want {
		t.Errorf("got %s", out.String())
	}
}

const hostileName = "a\x1b[2Jb\r\nc\u202e\"=\u0085\xff\u200b"

func TestStreamsEscapeWhatComesFromAClusterInEveryField(t *testing.T) {
	ev := rollout.Event{
		Type: hostileName, At: at("16:00:00"), Run: hostileName, Node: hostileName, Pod: hostileName, Revision: hostileName,
		Gate: hostileName, Reason: hostileName, Message: hostileName,
	}
	for _, typ := range []rollout.EventType{rollout.EventStarted, rollout.EventNodeFailed, hostileName, rollout.EventProgress} {
		for _, code := range []rollout.Code{"", rollout.StopFailed, rollout.StopGate, hostileName} {
			ev.Type, ev.Code = typ, code
			var lines, js bytes.Buffer
			NewLines(&lines, streamOptions()).Event(ev)
			NewNDJSON(&js, streamOptions()).Event(ev)
			if s := strings.TrimSuffix(lines.String(), "\n"); Safe(s) != s {
				t.Errorf("%q %q: %q", typ, code, s)
			}
			if n := strings.Count(js.String(), "\n"); n != 1 || strings.ContainsAny(js.String(), "\x1b\r") || !json.Valid(js.Bytes()) {
				t.Errorf("%q %q: %q", typ, code, js.String())
			}
		}
	}
}

func TestLogfmtValue(t *testing.T) {
	for in, want := range map[string]string{
		"":            `""`,
		"plain":       "plain",
		"a/b:1.2-3":   "a/b:1.2-3",
		"two words":   `"two words"`,
		`say "x"`:     `"say \"x\""`,
		"k=v":         `"k=v"`,
		`back\slash`:  `"back\\slash"`,
		"line\nbreak": `"line\nbreak"`,
		"\x1b[2J":     `"\x1b[2J"`,
		"\u202ex":     `"\u202ex"`,
		"größe":       "größe",
	} {
		got := logfmtValue(in)
		if got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
		if got[0] == '"' {
			if back, err := strconv.Unquote(got); err != nil || back != in {
				t.Errorf("%q reads back as %q, %v", in, back, err)
			}
		}
	}
}

// fullAfter takes n writes.
type fullAfter struct{ n int }

var errFull = errors.New("disk full")

func (f *fullAfter) Write(p []byte) (int, error) {
	if f.n--; f.n < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestStreamsKeepTheFirstWriteError(t *testing.T) {
	f := &fullAfter{n: 1}
	l := NewLines(f, streamOptions())
	tell(l)
	if !errors.Is(l.Err(), errFull) || f.n != -1 {
		t.Errorf("lines: %v after %d more writes", l.Err(), -1-f.n)
	}
	f = &fullAfter{n: 1}
	n := NewNDJSON(f, streamOptions())
	tell(n)
	if !errors.Is(n.Err(), errFull) || f.n != -1 {
		t.Errorf("ndjson: %v after %d more writes", n.Err(), -1-f.n)
	}
}

// codes are all constants of type Code in pkg/rollout.
func codes(t *testing.T) []rollout.Code {
	t.Helper()
	var out []rollout.Code
	pkg, err := filepath.Glob("../../pkg/rollout/*.go")
	if err != nil || len(pkg) == 0 {
		t.Fatal(err, fs.ErrNotExist)
	}
	for _, name := range pkg {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			v, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if id, ok := v.Type.(*ast.Ident); !ok || id.Name != "Code" {
				return true
			}
			for _, x := range v.Values {
				s, err := strconv.Unquote(x.(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, rollout.Code(s))
			}
			return true
		})
	}
	return out
}

func TestEveryCodeHasWords(t *testing.T) {
	all := codes(t)
	if len(all) < 30 {
		t.Fatalf("only %d codes were found", len(all))
	}
	known := map[rollout.Code]bool{}
	var text strings.Builder
	for _, c := range all {
		known[c] = true
		p, ok := causeWords[c]
		if !ok || p.words == "" {
			t.Errorf("%s has no words", c)
			continue
		}
		fmt.Fprintf(&text, "%s\n\t%s\n\t%s\n\t%s\n", c, Because(rollout.Cause{Code: c}), Because(rollout.Cause{Code: c, Node: "n1", Wave: 2, Gate: "slo"}),
			Because(rollout.Cause{Code: c, Node: "n1", Wave: 2, Gate: "slo", Message: "said"}))
	}
	for c := range causeWords {
		if !known[c] {
			t.Errorf("words for %s, which is no code", c)
		}
	}
	golden.Assert(t, text.String(), "stream-because.golden")
}

func TestBecause(t *testing.T) {
	opens := metav1.NewTime(at("17:00:00"))
	for _, c := range []struct {
		cause rollout.Cause
		want  string
	}{
		{rollout.Cause{Code: rollout.PauseApproval, Wave: 1}, "canary done, approval asked"},
		{rollout.Cause{Code: rollout.PauseApproval, Wave: 2}, "wave 2 done, approval asked"},
		{rollout.Cause{Code: rollout.PauseApproval, Wave: 2, Node: "n"}, "node n done, approval asked"},
		{rollout.Cause{Code: rollout.WaitSoak, Node: "ip-10-0-31-7", Message: "p"}, "soak 60s of 2m on ip-10-0-31-7"},
		{rollout.Cause{Code: rollout.WaitSoak, Node: "other"}, "soak on other"},
		{rollout.Cause{Code: rollout.WaitWindow, Since: &opens}, "outside the window, it opens at 2026-11-23T17:00:00Z"},
		{rollout.Cause{Code: rollout.WaitGate, Gate: "slo", Wave: 3, Message: "hold: 2 alerts"}, "gate slo before wave 3: hold: 2 alerts"},
		{rollout.Cause{Code: rollout.StopFailed, Node: "n", Message: "\x1b[2J"}, `node failed: n: \x1b[2J`},
		{rollout.Cause{Code: "New", Node: "n"}, "New on n"},
	} {
		if got := BecauseIn(c.cause, soaking("15:31:52", time.Minute)); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
