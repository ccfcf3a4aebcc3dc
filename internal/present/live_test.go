package present

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
	"gotest.tools/v3/golden"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// liveCase is a state of a run as the view gets it.
type liveCase struct {
	name     string
	status   *rollout.Status
	decision rollout.Decision
	events   []rollout.Event
	keys     []string
}

// midRun is a run in its third wave, and a node has joined.
func midRun() *rollout.Status {
	s := statusAt("16:10:30")
	s.Done, s.Joined = 31, []string{"ip-10-0-150-3"}
	s.Waves = []rollout.WaveStatus{
		{Number: 1, Nodes: 3, Done: 3, Begun: true}, {Number: 2, Nodes: 7, Done: 7, Begun: true},
		{Number: 3, Nodes: 38, Done: 21, Begun: true}, {Number: 4, Nodes: 142}, {Number: 5, Nodes: 1, Late: true},
	}
	s.Taken = []string{"ip-10-0-141-7", "ip-10-0-33-18", "ip-10-0-33-40", "ip-10-0-34-2"}
	s.Flights = []rollout.FlightStatus{
		{Node: "ip-10-0-34-2", Zone: "a", Wave: 3, Code: rollout.WaitTerminating, Since: at("16:10:27"), Until: at("16:20:27"), Pod: "cilium-l2m8z"},
		{Node: "ip-10-0-33-18", Zone: "a", Wave: 3, Code: rollout.WaitSoak, Since: at("16:08:33"), Soaks: 71 * time.Second, Until: at("16:11:19"), Pod: "cilium-x7k2p"},
		{Node: "ip-10-0-33-40", Zone: "a", Wave: 3, Code: rollout.WaitAvailable, Since: at("16:10:00"), Until: at("16:20:00"), Pod: "cilium-9qv4d"},
	}
	return s
}

func midEvents() []rollout.Event {
	return []rollout.Event{
		{Type: rollout.EventNodeJoined, At: at("16:07:02"), Node: "ip-10-0-150-3", Message: "came up on the template by itself; not one of the run's"},
		{Type: rollout.EventNodeDone, At: at("16:09:48"), Node: "ip-10-0-32-91", Took: 169 * time.Second},
		{Type: rollout.EventProgress, At: at("16:10:00")},
		{Type: rollout.EventPodDeleted, At: at("16:10:27"), Node: "ip-10-0-34-2", Pod: "cilium-l2m8z", Revision: from41.Hash},
	}
}

func rests(s *rollout.Status, p rollout.Phase, c rollout.Cause) *rollout.Status {
	s.Phase, s.Because = p, &c
	return s
}

func crowded() *rollout.Status {
	s := midRun()
	s.Flights, s.Taken = nil, nil
	for i := range 400 {
		n := fmt.Sprintf("ip-10-2-%d-%d.eu-west-1.compute.internal", i/100, i%100)
		s.Taken = append(s.Taken, n)
		s.Flights = append(s.Flights, rollout.FlightStatus{
			Node: n, Zone: string(rune('a' + i%3)), Wave: 3, Code: rollout.WaitAvailable, Since: at("16:00:00").Add(time.Duration(i) * time.Second),
			Until: at("16:20:00"), Pod: fmt.Sprintf("cilium-%05d", i),
		})
	}
	s.Ceiling = 400
	return s
}

func manyWaves() *rollout.Status {
	s := midRun()
	s.Waves = nil
	for i := range 30 {
		w := rollout.WaveStatus{Number: i + 1, Nodes: 6}
		switch {
		case i < 20:
			w.Done, w.Begun = 6, true
		case i == 20:
			w.Done, w.Begun = 2, true
		}
		s.Waves = append(s.Waves, w)
	}
	for i := range s.Flights {
		s.Flights[i].Wave = 21
	}
	return s
}

func longNames() *rollout.Status {
	s := midRun()
	s.Namespace, s.Name = strings.Repeat("namespace-", 6), strings.Repeat("daemonset-", 20)
	for i := range s.Flights {
		s.Flights[i].Node = fmt.Sprintf("%s%d.%s", strings.Repeat("node-", 20), i, strings.Repeat("世界.", 10)+"example")
		s.Flights[i].Pod = strings.Repeat("pod-", 30)
		s.Flights[i].Zone = strings.Repeat("zone-", 10)
	}
	s.Taken = append(s.Taken, s.Flights[0].Node)
	return s
}

func hostileRun() *rollout.Status {
	s := midRun()
	s.Run, s.Namespace, s.Name = hostileName, hostileName, hostileName
	s.Phase, s.Because = rollout.Stopped, &rollout.Cause{Code: rollout.StopFailed, Node: hostileName, Message: hostileName}
	s.Target, s.Taken = rollout.Revision{Hash: hostileName}, []string{hostileName}
	s.Failed = []rollout.Failure{{Node: hostileName, Reason: hostileName, Message: hostileName}}
	for i := range s.Flights {
		s.Flights[i].Node, s.Flights[i].Pod, s.Flights[i].Zone = fmt.Sprint(hostileName, i), hostileName, hostileName
	}
	s.Flights[0].Code = hostileName
	s.Flights[1].Code = rollout.WaitGate
	return s
}

func liveCases() []liveCase {
	held := waits(rollout.Cause{Code: rollout.WaitGate, Node: "ip-10-0-33-40", Gate: "error-rate", Message: "hold: 3 of 5 minutes"})
	gated := midRun()
	gated.Flights[2].Code = rollout.WaitGate
	failed := rests(midRun(), rollout.Stopped, rollout.Cause{Code: rollout.StopFailed, Node: "ip-10-0-61-9", Message: "the new pod restarted 3 times"})
	failed.Flights, failed.Taken = nil, []string{"ip-10-0-141-7", "ip-10-0-61-9"}
	failed.Failed = []rollout.Failure{{Node: "ip-10-0-61-9", Reason: "CrashLoop", Message: "the new pod restarted 3 times"}}
	approve := rests(midRun(), rollout.Paused, rollout.Cause{Code: rollout.PauseApproval, Wave: 1})
	approve.Flights, approve.Taken, approve.Done = nil, []string{"ip-10-0-141-7"}, 3
	approve.Waves[1].Done, approve.Waves[2].Done, approve.Waves[1].Begun, approve.Waves[2].Begun = 0, 0, false, false
	undoing := midRun()
	undoing.Phase, undoing.Target, undoing.From, undoing.Done = rollout.Undoing, from41, to42, 150
	window := midRun()
	window.Flights = nil
	drift := midRun()
	drift.Drifted = true
	ended := midRun()
	ended.Phase, ended.Outcome, ended.Flights, ended.Done = rollout.Ended, rollout.OutcomeAborted, nil, 34

	hostileEvents := []rollout.Event{{Type: hostileName, At: at("16:00:00"), Node: hostileName, Message: hostileName}}
	for _, t := range []rollout.EventType{rollout.EventPodReady, rollout.EventGateBlocked, rollout.EventNodeFailed, rollout.EventStopped, rollout.EventStarted} {
		hostileEvents = append(hostileEvents, rollout.Event{
			Type: t, At: at("16:00:00"), Node: hostileName, Pod: hostileName, Revision: hostileName, Gate: hostileName, Reason: hostileName,
			Message: hostileName, Code: rollout.StopFailed,
		})
	}
	return []liveCase{
		{name: "nothing-yet"},
		{name: "mid-run", status: midRun(), events: midEvents()},
		{name: "gate-holds", status: gated, decision: held, events: midEvents()},
		{name: "window", status: window, decision: rollout.Decision{Wait: &rollout.Wait{
			Until: at("17:00:00"), Because: []rollout.Cause{{Code: rollout.WaitCeiling, Node: "ip-10-0-141-7"}}}}},
		{name: "approval", status: approve},
		{name: "stopped", status: failed, events: midEvents()},
		{name: "undoing", status: undoing, events: midEvents()},
		{name: "drifted", status: drift},
		{name: "aborted", status: ended},
		{name: "400-in-flight", status: crowded(), events: midEvents()},
		{name: "30-waves", status: manyWaves(), events: midEvents()},
		{name: "long-names", status: longNames()},
		{name: "hostile", status: hostileRun(), events: hostileEvents, decision: waits(rollout.Cause{Code: hostileName, Node: hostileName, Message: hostileName})},
		{name: "hostile-choice", status: hostileRun(), keys: []string{"s"}},
		{name: "hostile-sent", status: hostileRun(), keys: []string{"s", "enter"}},
		{name: "help", status: midRun(), events: midEvents(), keys: []string{"?"}},
		{name: "abort-asked", status: midRun(), events: midEvents(), keys: []string{"x"}},
		{name: "skip-asked", status: midRun(), events: midEvents(), keys: []string{"s", "2"}},
		{name: "skip-of-400", status: crowded(), keys: []string{"s", "3", "7", "1"}},
		{name: "not-possible", status: midRun(), keys: []string{"r"}},
		{name: "leaving", status: midRun(), keys: []string{"q"}},
	}
}

// newTestModel is a model at a size, with what it sent.
func newTestModel(c *liveCase, width, height int, color bool) (*liveModel, *[]Command) {
	var sent []Command
	o := LiveOptions{
		StreamOptions: streamOptions(), Color: color, Started: at("15:30:12"), Until: at("17:00:00"),
		Now: func() time.Time { return at("16:10:31") },
	}
	if c.status != nil {
		o.Namespace, o.Name = c.status.Namespace, c.status.Name
	}
	m := newLiveModel(o, &inbox{}, func(cmd Command) { sent = append(sent, cmd) })
	m.Update(tea.WindowSizeMsg{Width: width, Height: height})
	if c.status != nil {
		// A minute a node, seen for ten minutes.
		for i := range 11 {
			s := *c.status
			s.At, s.Done = s.At.Add(time.Duration(i-10)*time.Minute), s.Done+i-10
			m.inbox.look(&s, c.decision)
			m.Update(frameMsg{})
		}
	}
	for _, ev := range c.events {
		m.inbox.event(ev)
	}
	m.Update(frameMsg{})
	for _, k := range c.keys {
		m.Update(press(k))
	}
	return m, &sent
}

// press is a key as the terminal sends it.
func press(k string) tea.KeyPressMsg {
	switch k {
	case "ctrl+c":
		return tea.KeyPressMsg{Code: 'c', Mod: tea.ModCtrl}
	case "enter":
		return tea.KeyPressMsg{Code: tea.KeyEnter}
	case "esc":
		return tea.KeyPressMsg{Code: tea.KeyEscape}
	case "up":
		return tea.KeyPressMsg{Code: tea.KeyUp}
	case "down":
		return tea.KeyPressMsg{Code: tea.KeyDown}
	}
	r, _ := utf8.DecodeRuneInString(k)
	return tea.KeyPressMsg{Code: r, Text: k}
}

func TestLiveViews(t *testing.T) {
	for _, c := range liveCases() {
		for _, size := range []struct{ width, height int }{{80, 24}, {120, 40}} {
			t.Run(fmt.Sprintf("%s-%d", c.name, size.width), func(t *testing.T) {
				m, _ := newTestModel(&c, size.width, size.height, false)
				golden.Assert(t, m.View().Content+"\n", fmt.Sprintf("live-%s-%d.golden", c.name, size.width))
			})
		}
	}
}

func TestLiveClosesWithItsEventsAboveAndNoKeys(t *testing.T) {
	c := liveCase{status: midRun(), events: midEvents()}
	m, sent := newTestModel(&c, 120, 40, false)
	if lines := m.refresh(0); len(lines) != 3 || !strings.HasSuffix(lines[2], "ip-10-0-34-2   cilium-l2m8z (41)") {
		t.Errorf("printed above: %q", lines)
	}
	m.Update(closeMsg{})
	m.Update(press("p"))
	if len(*sent) != 0 {
		t.Errorf("a key after the end sent %v", *sent)
	}
	golden.Assert(t, m.View().Content+"\n", "live-closing-120.golden")
	if !strings.HasSuffix(m.View().Content, "\n") {
		t.Error("the last line of the view would be erased")
	}
}

func TestLivePrintsAboveWhatLeavesTheView(t *testing.T) {
	m, _ := newTestModel(&liveCase{status: midRun()}, 120, 40, false)
	for i := range 7 {
		m.inbox.event(rollout.Event{Type: rollout.EventNodeDone, At: at("16:00:00"), Node: fmt.Sprint("n", i)})
	}
	got := m.refresh(shownEvents)
	if want := []string{"16:00:00Z   NodeDone      n0", "16:00:00Z   NodeDone      n1"}; !slices.Equal(got, want) {
		t.Errorf("printed above: %q, want %q", got, want)
	}
}

var styling = regexp.MustCompile("\x1b\\[[0-9;]*m")

func TestLiveFitsEveryTerminalAndLetsNothingThrough(t *testing.T) {
	for _, c := range liveCases() {
		for _, width_ := range []int{10, 20, 40, 60, 79, 80, 99, 100, 120, 200} {
			for _, height := range []int{5, 10, 24, 60} {
				m, _ := newTestModel(&c, width_, height, true)
				plainView, _ := newTestModel(&c, width_, height, false)
				content := m.View().Content
				bare := styling.ReplaceAllString(content, "")
				if bare != plainView.View().Content {
					t.Errorf("%s at %dx%d: colour changes the words", c.name, width_, height)
				}
				lines := strings.Split(bare, "\n")
				if len(lines) > max(height-1, len(foot(m))+1) {
					t.Errorf("%s at %dx%d: %d lines", c.name, width_, height, len(lines))
				}
				for _, l := range lines {
					if width(l) > width_ {
						t.Errorf("%s at %dx%d: %d columns in %q", c.name, width_, height, width(l), l)
					}
					if Safe(l) != l {
						t.Errorf("%s at %dx%d: a character that acts in %q", c.name, width_, height, l)
					}
				}
			}
		}
	}
}

func foot(m *liveModel) []string {
	if m.st.status == nil {
		return nil
	}
	c := &canvas{width: m.width}
	m.foot(c)
	return c.lines
}

func TestLiveKeys(t *testing.T) {
	cases := map[string]liveCase{}
	for _, c := range liveCases() {
		cases[c.name] = c
	}
	until := midRun()
	until.Phase, until.Because = rollout.Paused, &rollout.Cause{Code: rollout.PauseUntil}
	cases["until"] = liveCase{name: "until", status: until}
	for _, c := range []struct {
		name, in string
		keys     []string
		want     []Command
	}{
		{"p pauses", "mid-run", []string{"p"}, []Command{{Verb: rollout.VerbPause}}},
		{"p in a pause does nothing", "approval", []string{"p"}, nil},
		{"a approves the wave that is asked for", "approval", []string{"a"}, []Command{{Verb: rollout.VerbApprove, Wave: 1}}},
		{"a elsewhere does nothing", "mid-run", []string{"a"}, nil},
		{"r at an approval does nothing: it would ask again", "approval", []string{"r"}, nil},
		{"r after --until does nothing: it would pause again", "until", []string{"r"}, nil},
		{"r resumes what is stopped", "stopped", []string{"r"}, []Command{{Verb: rollout.VerbResume}}},
		{"x asks first", "mid-run", []string{"x"}, nil},
		{"x and y aborts", "mid-run", []string{"x", "y"}, []Command{{Verb: rollout.VerbAbort}}},
		{"x and enter does nothing", "mid-run", []string{"x", "enter", "y"}, nil},
		{"x and n does nothing", "mid-run", []string{"x", "n", "y"}, nil},
		{"a stray key is no yes", "mid-run", []string{"x", "p"}, nil},
		{"u and y undoes", "stopped", []string{"u", "y"}, []Command{{Verb: rollout.VerbUndo}}},
		{"s and enter skips the oldest", "mid-run", []string{"s", "enter"}, []Command{{Verb: rollout.VerbSkip, Node: "ip-10-0-33-18"}}},
		{"s, down, enter", "mid-run", []string{"s", "down", "enter"}, []Command{{Verb: rollout.VerbSkip, Node: "ip-10-0-33-40"}}},
		{"the cursor stays in the list", "mid-run", []string{"s", "down", "down", "down", "down", "enter"}, []Command{{Verb: rollout.VerbSkip, Node: "ip-10-0-34-2"}}},
		{"up from the first", "mid-run", []string{"s", "up", "enter"}, []Command{{Verb: rollout.VerbSkip, Node: "ip-10-0-33-18"}}},
		{"s and a number", "mid-run", []string{"s", "3", "enter"}, []Command{{Verb: rollout.VerbSkip, Node: "ip-10-0-34-2"}}},
		{"a number beyond the list", "mid-run", []string{"s", "9", "enter"}, []Command{{Verb: rollout.VerbSkip, Node: "ip-10-0-33-18"}}},
		{"a number of three digits", "400-in-flight", []string{"s", "3", "7", "1", "enter"}, []Command{{Verb: rollout.VerbSkip, Node: "ip-10-2-3-70.eu-west-1.compute.internal"}}},
		{"s and esc does nothing", "mid-run", []string{"s", "esc", "enter"}, nil},
		{"s with nobody to skip", "approval", []string{"s", "enter"}, nil},
		{"s of a failed node", "stopped", []string{"s", "enter"}, []Command{{Verb: rollout.VerbSkip, Node: "ip-10-0-61-9"}}},
		{"t tries a failed node again", "stopped", []string{"t", "enter"}, []Command{{Verb: rollout.VerbRetry, Node: "ip-10-0-61-9"}}},
		{"a node's name is sent as it is", "hostile", []string{"s", "enter"}, []Command{{Verb: rollout.VerbSkip, Node: hostileName}}},
		{"q leaves", "mid-run", []string{"q"}, []Command{{Leave: true}}},
		{"q is no Ctrl-C", "mid-run", []string{"q", "q"}, []Command{{Leave: true}}},
		{"Ctrl-C leaves, then at once", "mid-run", []string{"ctrl+c", "ctrl+c"}, []Command{{Leave: true}, {Leave: true, Now: true}}},
		{"Ctrl-C after q is at once", "mid-run", []string{"q", "ctrl+c"}, []Command{{Leave: true}, {Leave: true, Now: true}}},
		{"Ctrl-C in a question leaves", "mid-run", []string{"x", "ctrl+c", "y"}, []Command{{Leave: true}}},
		{"Ctrl-C before the first status", "nothing-yet", []string{"ctrl+c"}, []Command{{Leave: true}}},
		{"all other keys before the first status do nothing", "nothing-yet", []string{"p", "s", "x", "u", "a", "r", "t", "?", "y"}, nil},
		{"nothing can be asked of an ended run", "aborted", []string{"p", "x", "y", "u", "y", "r"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			lc := cases[c.in]
			lc.keys = c.keys
			_, sent := newTestModel(&lc, 120, 40, false)
			if !slices.Equal(*sent, c.want) {
				t.Errorf("sent %v, want %v", *sent, c.want)
			}
		})
	}
}
