package present

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
)

func TestCoverageScreens(t *testing.T) {
	inPart := mondayMorning()
	inPart.Source.Incomplete = []coverage.IncompleteRead{
		{Verb: "list", Resource: "events", Namespace: "security", Error: "events is forbidden: User \"jane\" cannot list", Remedy: coverage.GrantRemedy + "kubectl ds-coverage rbac --context prod"},
		{Verb: "list", Resource: "events", Namespace: "logging", Error: "events is forbidden: User \"jane\" cannot list", Remedy: coverage.GrantRemedy + "kubectl ds-coverage rbac --context prod"},
		{Verb: "list", Resource: "pods by spec.nodeName", Error: "pods is forbidden", Remedy: "try again"},
		{Resource: "controllerrevisions", Error: "the capture has none", Remedy: "take the capture again: kubectl get nodes -o json"},
	}
	unknown := newWorld()
	unknown.add("kube-system", "cilium", 191, func(i int) coverage.NodeVerdict {
		if i < 5 {
			return verdictOf(coverage.Unknown, coverage.UnknownReason)
		}
		return coverage.NodeVerdict{}
	})
	unread := newWorld()
	unread.add("kube-system", "cilium", 0, func(int) coverage.NodeVerdict { return verdictOf(coverage.Unknown, coverage.UnknownReason) })
	young := newWorld()
	young.add("kube-system", "cilium", 191, func(i int) coverage.NodeVerdict {
		v := coverage.NodeVerdict{}
		if i < 12 {
			v = verdictOf(coverage.Missing, coverage.NodeYoung)
			v.Settling = true
		}
		return v
	})
	nobody := newWorld()
	nobody.add("gpu", "driver", 0, func(int) coverage.NodeVerdict { return excluded })
	nobody.list.Items[0].Findings = []coverage.Finding{{Reason: coverage.NoMatchAnyNode, Severity: coverage.Warning}}
	beside := allWell()
	beside.Items = append(beside.Items, nobody.list.Items...)
	aside := newWorld()
	aside.add("gpu", "parked", 0, func(int) coverage.NodeVerdict { return excluded })
	aside.list.Items[0].Findings = []coverage.Finding{{Reason: coverage.NoMatchAnyNode, Severity: coverage.Warning, Parked: true}}
	parked := allWell()
	parked.Items = append(parked.Items, aside.list.Items...)
	capture := allWell()
	capture.Source.From, capture.Source.TakenAtInferred = "captures/prod.json", true
	nameless := allWell()
	nameless.Source = coverage.ReportSource{From: "captures/prod.json", TakenAt: capture.Source.TakenAt}

	causes := mondayCauses()
	for _, c := range []struct {
		name   string
		list   *coverage.DaemonSetCoverageList
		causes []coverage.Cause
		o      Options
	}{
		{"coverage-120", mondayMorning(), causes, at120()},
		{"coverage-80", mondayMorning(), causes, with(at120(), func(o *Options) { o.Width = 80 })},
		{"coverage-pipe", mondayMorning(), causes, with(at120(), func(o *Options) { o.Width = 0 })},
		{"coverage-full", mondayMorning(), causes[5:], with(at120(), func(o *Options) { o.Full = true })},
		{"coverage-color", mondayMorning(), causes[:2], with(at120(), func(o *Options) { o.Color = true })},
		{"coverage-wide", mondayMorning(), nil, with(at120(), func(o *Options) { o.Wide = true })},
		{"coverage-no-headers", mondayMorning(), nil, with(at120(), func(o *Options) { o.NoHeaders = true })},
		{"coverage-sorted", mondayMorning(), nil, with(at120(), func(o *Options) { o.SortBy = SortKey{"steady", false} })},
		{"coverage-quiet", mondayMorning(), causes, with(at120(), func(o *Options) { o.Quiet = true })},
		{"coverage-gaps-only", mixed(), nil, with(at120(), func(o *Options) { o.GapsOnly = true })},
		{"coverage-incomplete", inPart, nil, at120()},
		{"coverage-incomplete-80", inPart, nil, with(at120(), func(o *Options) { o.Width = 80 })},
		{"coverage-unknown", unknown.list, nil, at120()},
		{"coverage-unread", unread.list, nil, with(at120(), func(o *Options) { o.Quiet = true })},
		{"coverage-settling", young.list, nil, at120()},
		{"coverage-nobody", nobody.list, nil, at120()},
		{"coverage-nobody-beside", beside, nil, at120()},
		{"coverage-parked-beside", parked, nil, at120()},
		{"coverage-well", allWell(), nil, at120()},
		{"coverage-from", capture, nil, with(at120(), func(o *Options) { o.Took, o.Now = 0, monday.Add(3600e9) })},
		{"coverage-from-nameless", nameless, nil, with(at120(), func(o *Options) { o.Took = 0 })},
	} {
		t.Run(c.name, func(t *testing.T) {
			screen(t, rendered(t, func(b *bytes.Buffer) error { return Coverage(b, c.list, c.causes, c.o) }), c.name)
		})
	}
}

// mixed has DaemonSets that are well and some that are not.
func mixed() *coverage.DaemonSetCoverageList {
	l, well := mondayMorning(), allWell()
	l.Items = append(l.Items[:3], well.Items...)
	return l
}

func TestColourAddsNothingButColour(t *testing.T) {
	o := at120()
	bare := rendered(t, func(b *bytes.Buffer) error { return Coverage(b, mondayMorning(), mondayCauses(), o) })
	o.Color = true
	coloured := rendered(t, func(b *bytes.Buffer) error { return Coverage(b, mondayMorning(), mondayCauses(), o) })
	if bytes.Equal(bare, coloured) {
		t.Error("no colour was written")
	}
	if got := sgr.ReplaceAllString(string(coloured), ""); got != string(bare) {
		t.Errorf("without its colours the screen differs:\n%s\nwant:\n%s", got, bare)
	}
}

func TestAPipeCutsNothing(t *testing.T) {
	o := at120()
	o.Width = 0
	out := string(rendered(t, func(b *bytes.Buffer) error { return Coverage(b, mondayMorning(), mondayCauses(), o) }))
	for i := 1; i < worldNodes; i++ {
		if i < 13 || i >= 20 {
			if !strings.Contains(out, nodeName(i)) {
				t.Errorf("%s is not named", nodeName(i))
			}
		}
	}
}

func TestNoCommandIsCut(t *testing.T) {
	for _, width := range []int{20, 40, 80, 120} {
		o := at120()
		o.Width = width
		out := string(rendered(t, func(b *bytes.Buffer) error { return Coverage(b, mondayMorning(), mondayCauses(), o) }))
		for _, c := range mondayCauses() {
			for _, f := range append(c.Fixes, c.Looks...) {
				if i := strings.Index(f, "kubectl "); i >= 0 && !strings.Contains(out, f[i:]) {
					t.Errorf("at %d columns the command is broken: %s", width, f[i:])
				}
			}
		}
	}
}

const evil = "\x1b[2J\x1b]0;owned\a\rerror\u202etxt\x9b\n\u200b\xff"

func TestHostileStringsAreShownNotRun(t *testing.T) {
	w := newWorld()
	w.add(evil, evil, 191, func(i int) coverage.NodeVerdict {
		v := verdictOf(coverage.Unready, coverage.Reason(evil))
		v.Pod, v.PodRevision, v.Message = evil, evil, evil
		return v
	})
	w.list.Items[0].Revision = coverage.Revision{Hash: evil}
	for i := range w.list.Items[0].Nodes {
		w.list.Items[0].Nodes[i].Node = evil
	}
	w.list.Source = coverage.ReportSource{
		Context: evil, Server: evil, ServerVersion: evil, From: evil, TakenAt: w.list.Source.TakenAt,
		Incomplete: []coverage.IncompleteRead{{Verb: evil, Resource: evil, Namespace: evil, Error: evil, Remedy: evil}},
	}
	causes := []coverage.Cause{{
		Reason: coverage.Reason(evil), Object: evil, Count: evil, Facts: []coverage.Fact{{Label: evil, Text: evil}},
		Shared: evil, Nodes: []string{evil, evil}, Notes: []string{evil}, Fixes: []string{evil}, Looks: []string{evil},
	}}
	meta := metav1.ObjectMeta{Namespace: evil, Name: evil}
	e := &coverage.Explanation{
		ObjectMeta: meta, Source: w.list.Source, Node: evil, Headline: evil, Verdict: w.list.Items[0].Nodes[0],
		Rules:   []coverage.RuleLine{{Number: 1, Rule: evil, Operands: evil, Result: evil}},
		Changes: []coverage.Change{{Where: evil, Do: evil}},
	}
	n := &coverage.NodeCoverageList{Source: w.list.Source, Items: []coverage.NodeCoverage{{
		ObjectMeta: meta, Ready: evil, Arch: evil, InstanceType: evil, Zone: evil, Pool: evil,
		DaemonSets: []coverage.NodeDaemonSet{
			{Namespace: evil, Name: evil, NodeVerdict: w.list.Items[0].Nodes[0]},
			{Namespace: evil, Name: evil, NodeVerdict: coverage.NodeVerdict{State: coverage.Excluded, Reason: coverage.Reason(evil)}},
		},
	}}}
	for name, f := range map[string]func(*bytes.Buffer, Options) error{
		"coverage": func(b *bytes.Buffer, o Options) error { return Coverage(b, w.list, causes, o) },
		"flat":     func(b *bytes.Buffer, o Options) error { return Flat(b, w.list, o) },
		"explain":  func(b *bytes.Buffer, o Options) error { return Explanation(b, e, o) },
		"nodes":    func(b *bytes.Buffer, o Options) error { return NodesTable(b, n, o) },
		"node":     func(b *bytes.Buffer, o Options) error { return Nodes(b, n, o) },
	} {
		for _, o := range []Options{at120(), {Wide: true, Full: true}, {Width: 40, Quiet: true}} {
			out := string(rendered(t, func(b *bytes.Buffer) error { return f(b, o) }))
			for _, line := range strings.Split(out, "\n") {
				if Safe(line) != line {
					t.Fatalf("%s lets something through: %q", name, line)
				}
			}
			if !strings.Contains(out, `\x1b[2J`) {
				t.Errorf("%s hides the hostile string instead of showing it", name)
			}
		}
	}
}

func TestAWriteThatFailsIsAnError(t *testing.T) {
	full := errors.New("no space left on device")
	if err := Coverage(failing{full}, allWell(), nil, at120()); !errors.Is(err, full) {
		t.Errorf("got %v, want %v", err, full)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// No gaps would be true, and sound as if somebody had looked.
func TestNoNodesAreNotWell(t *testing.T) {
	empty := newWorld()
	empty.add("kube-system", "cilium", 0, func(int) coverage.NodeVerdict { return excluded })
	empty.list.Summary.LiveNodes, empty.list.Items[0].Nodes = 0, nil
	out := string(rendered(t, func(b *bytes.Buffer) error {
		return Coverage(b, empty.list, nil, with(at120(), func(o *Options) { o.Quiet = true }))
	}))
	if !strings.HasSuffix(out, "\nNo nodes: nothing to cover.\n") {
		t.Error(out)
	}
}
