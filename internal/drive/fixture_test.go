package drive

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/kubectl-ds/kubectl-ds/internal/gates"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// watcher remembers what it was told.
type watcher struct {
	mu     sync.Mutex
	events []rollout.Event
}

func (w *watcher) Event(e rollout.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, e)
}

func (w *watcher) Look(*rollout.Status, rollout.Decision) {}

func (w *watcher) count(e rollout.EventType) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for i := range w.events {
		if w.events[i].Type == e {
			n++
		}
	}
	return n
}

// fakeGates answers as ask does; it says what it is told of nodes.
type fakeGates struct {
	ask func(ctx context.Context, q gates.Question) gates.Answer
	mu  sync.Mutex
	log []string
}

func (g *fakeGates) Ask(ctx context.Context, q gates.Question) gates.Answer {
	if g.ask == nil {
		return gates.Answer{Outcome: rollout.GatePass}
	}
	return g.ask(ctx, q)
}

func (g *fakeGates) note(line string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.log = append(g.log, line)
}

func (g *fakeGates) Begin(_ context.Context, n *rollout.NodeView) { g.note("begin " + n.Node.Name) }
func (g *fakeGates) Again(_ context.Context, n *rollout.NodeView) { g.note("again " + n.Node.Name) }
func (g *fakeGates) Forget(node string)                           { g.note("forget " + node) }

func (g *fakeGates) lines() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.log)
}

// fixture is a run, a driver for it, and the cluster around both.
type fixture struct {
	*cluster
	Config
	watcher watcher
	gates   fakeGates
	asks    chan rollout.Intent
	leave   chan struct{}
}

// begin stores a run over n nodes, which goes on in a phase.
func begin(t testing.TB, n int, phase rollout.Phase, change ...func(p *rollout.Policy)) *fixture {
	f := &fixture{cluster: newCluster(t, n), asks: make(chan rollout.Intent, 4), leave: make(chan struct{})}
	p := &rollout.Policy{}
	for _, do := range change {
		do(p)
	}
	p = p.WithDefaults(rollout.Context{Nodes: n, Archs: 1})
	run := f.run(p, phase)
	lease := *f.lease
	f.Config = Config{
		Policy: p, Cluster: f.cluster, Writer: f.cluster, Locker: locker{f.cluster}, Gates: &f.gates, Watcher: &f.watcher,
		Lease: &lease, Run: run, Asks: f.asks, Leave: f.leave, Who: "jane",
	}
	return f
}

// ended is how a driver returned.
type ended struct {
	end *End
	err error
	at  time.Time
}

// start drives until ctx ends; the channel tells how that ended.
func (f *fixture) start(ctx context.Context) <-chan ended {
	out := make(chan ended, 1)
	go func() {
		end, err := Run(ctx, f.Config)
		out <- ended{end, err, time.Now()}
	}()
	return out
}

// drive waits for the end.
func (f *fixture) drive() ended {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	e := <-f.start(ctx)
	if ctx.Err() != nil {
		f.t.Fatalf("the driver was still at it after an hour; its last requests: %v", tail(f.journalLines(), 12))
	}
	return e
}

func (f *fixture) mustEnd(e ended) *End {
	f.t.Helper()
	if e.err != nil || e.end == nil {
		f.t.Fatalf("end %+v, error %v; last requests: %v", e.end, e.err, tail(f.journalLines(), 12))
	}
	return e.end
}

// mustFinish wants a run that is over, with every pod of the target, each old
// one deleted once, and nothing left behind.
func (f *fixture) mustFinish(e ended) {
	f.t.Helper()
	end := f.mustEnd(e)
	if end.Decision.Done == nil || end.Decision.Done.Exit != 0 || end.Lost {
		f.t.Fatalf("not done: %+v, lost %v", end.Decision, end.Lost)
	}
	if n := f.onTarget(); n != len(f.nodes) {
		f.t.Errorf("%d of %d pods are of the target", n, len(f.nodes))
	}
	for uid, n := range f.deleted {
		if n != 1 {
			f.t.Errorf("%s was deleted %d times", uid, n)
		}
	}
	if f.lease != nil {
		f.t.Error("the Lease is still there")
	}
}

func (c *cluster) journalLines() []string {
	var out []string
	for _, s := range c.lines("") {
		out = append(out, s.at.Format("04:05.000 ")+s.line)
	}
	return out
}

func tail(s []string, n int) []string { return s[max(0, len(s)-n):] }
