package gates

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// Cluster is what gates read of a cluster. An error says which verb on which
// resource was refused.
type Cluster interface {
	// NodePods are all pods bound to a node, whole.
	NodePods(ctx context.Context, node string) ([]snapshot.Pod, error)
	// WarningEvents are those of a namespace about one object.
	WarningEvents(ctx context.Context, namespace, kind, name string) ([]snapshot.Event, error)
	// OneDaemonSet is nil where there is none.
	OneDaemonSet(ctx context.Context, namespace, name string) (*appsv1.DaemonSet, error)
}

// Options of a Runner.
type Options struct {
	// Env is the environment of commands; nil is the one of this process.
	Env []string
	// HTTPClient for http and promql; nil is one that uses the proxy of the
	// environment and no credentials.
	HTTPClient *http.Client
}

// Question is one question to one gate.
type Question struct {
	Action rollout.RunGate
	Run    *rollout.Run
	View   *rollout.View
	Node   *rollout.NodeView // nil before a wave
	Now    time.Time
}

// Answer of a gate.
type Answer struct {
	Outcome rollout.GateOutcome
	Reason  string // one line, at most maxReason bytes, untrusted
}

// probe asks once. It returns soon after ctx ends.
type probe func(ctx context.Context, q *Question) Answer

type gate struct {
	timeout time.Duration
	ask     probe
}

// Runner asks the gates of one policy. It is safe for concurrent use.
type Runner struct {
	cluster Cluster
	opts    Options
	gates   map[string]gate
	uses    map[rollout.BuiltinGate]bool

	mu   sync.Mutex
	base map[string]*baseline // by node
}

// New prepares the gates of p: expressions are compiled, addresses parsed,
// commands found. Every error names its gate.
func New(p *rollout.Policy, c Cluster, o Options) (*Runner, error) {
	r := &Runner{
		cluster: c, opts: o, gates: map[string]gate{},
		uses: map[rollout.BuiltinGate]bool{}, base: map[string]*baseline{},
	}
	var errs []error
	for i := range p.Gates {
		g := &p.Gates[i]
		ask, err := r.prepare(g)
		if err != nil {
			errs = append(errs, fmt.Errorf("gate %q: %w", g.Name, err))
			continue
		}
		timeout := rollout.DefaultGateTimeout
		if g.Timeout != nil {
			timeout = g.Timeout.Duration
		}
		r.gates[g.Name] = gate{timeout, ask}
		if g.Builtin != "" {
			r.uses[g.Builtin] = true
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *Runner) prepare(g *rollout.Gate) (probe, error) {
	if g.When == rollout.BeforeWave && (g.Pods != "" || g.DaemonSet != "" || g.Builtin != "") {
		return nil, errors.New("it looks at one node, and before a wave there is none; ask it beforeNode or afterNode")
	}
	switch {
	case len(g.Exec) > 0:
		return r.execProbe(g.Exec)
	case g.HTTP != "":
		return httpProbe(g.HTTP, r.opts.HTTPClient)
	case g.PromQL != nil:
		return promProbe(g.PromQL, r.opts.HTTPClient)
	case g.CEL != "":
		return r.celProbe(g.CEL, g.When)
	case g.Pods != "":
		return r.podsProbe(g.Pods)
	case g.DaemonSet != "":
		return r.daemonSetProbe(g.DaemonSet)
	}
	return r.builtinProbe(g)
}

func (r *Runner) builtinProbe(g *rollout.Gate) (probe, error) {
	switch g.Builtin {
	case rollout.GateCollateral:
		return r.collateral, nil
	case rollout.GateWarnings:
		if g.When != rollout.AfterNode {
			return nil, errors.New("events looks at what is new since the pod was replaced; ask it afterNode")
		}
		return r.warnings, nil
	case rollout.GateConditions:
		return r.conditions, nil
	}
	return nil, errors.New("it has nothing to ask: set one of exec, http, promql, cel, pods, daemonSet, builtin")
}

// Ask asks a gate once and returns when it has answered, when its timeout is
// over, or when ctx ends.
func (r *Runner) Ask(ctx context.Context, q Question) (a Answer) {
	g, ok := r.gates[q.Action.Gate]
	if !ok {
		return cannot("the policy in use has no gate %q", q.Action.Gate).tidy()
	}
	asking, cancel := context.WithTimeout(ctx, g.timeout)
	defer cancel()
	defer func() {
		// A gate is asked in the middle of a run: whatever is wrong with it
		// blocks, and takes nothing else down.
		if p := recover(); p != nil {
			a = cannot("a defect of this program: %v", p)
		}
		a = a.ended(ctx, asking, g.timeout).tidy()
	}()
	return g.ask(asking, &q)
}

// ended says why there is no answer where one of the contexts ended first.
func (a Answer) ended(ctx, asking context.Context, timeout time.Duration) Answer {
	if a.Outcome != rollout.GateError || asking.Err() == nil {
		return a
	}
	why := "no answer within " + timeout.String()
	if ctx.Err() != nil {
		why = "interrupted before it answered"
	}
	if a.Reason != "" {
		why += "; the last it said: " + a.Reason
	}
	a.Reason = why
	return a
}

// pod is the pod of the DaemonSet that a question is about: before a node the
// one that is to be replaced, after it the new one. Nil where there is none.
func (q *Question) pod() *snapshot.Pod {
	if q.Node == nil {
		return nil
	}
	old := types.UID("")
	if q.Action.When == rollout.AfterNode {
		for i := range q.Run.InFlight {
			if f := &q.Run.InFlight[i]; f.Node == q.Node.Node.Name {
				old = f.PodUID
			}
		}
	}
	var best *snapshot.Pod
	for _, p := range q.Node.Pods {
		if p.UID == old || p.Deleted != 0 || p.Terminal() {
			continue
		}
		if best == nil || p.Created > best.Created {
			best = p
		}
	}
	return best
}
