package rollout

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/internal/testkit/sim/check"
	core "github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/test/audit"
)

// verdict is what a test asked of a run, and so what it is held to.
type verdict struct {
	budget int
	soak   time.Duration
	// reported is what the run says it leaves: nodes, "" for the strategy.
	reported map[string]bool
	// gatesBefore and gatesAfter must have passed.
	gatesBefore, gatesAfter []string
	allowNotReady, handBack bool
	// mayTake tells that a person overrode a living driver.
	mayTake bool
	// slack is how late a driver may learn; 0 is that of a calm cluster.
	slack time.Duration
}

const (
	// calm is how long news may take on a busy machine.
	calm = 3 * time.Second
	// leaseDuration is spelled out: a judge must not learn it from the driver.
	leaseDuration = 30 * time.Second
)

// judge holds everything that happened in a world to the invariants, by the
// audit log, and returns the history for what a test asks beyond them.
func (w *world) judge(t *testing.T, v verdict) *check.History {
	t.Helper()
	h := w.history(t, v)
	for _, violation := range check.Check(h) {
		t.Errorf("%s\n%s", violation, around(h, violation.Write))
	}
	if !wrote(h) {
		t.Error("the audit log holds no write of the plugin: the judge is blind")
	}
	return h
}

func (w *world) history(t *testing.T, v verdict) *check.History {
	t.Helper()
	if err := shared.log.Read(); err != nil {
		t.Fatal(err)
	}
	h, err := shared.log.History(audit.Options{
		Namespace: w.name, DaemonSet: agent, Lease: core.LeaseName(agent), Node: w.mine,
		Decode: func(raw string) (string, error) {
			run, err := kube.UnpackRun(raw)
			return string(run), err
		},
		MayTake:          func(holder string, _, taken time.Time) bool { return v.mayTake || w.dead(holder, taken) },
		ActorsAreHolders: true,
		Answers:          w.answers(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	h.Original = string(w.before.Spec.UpdateStrategy.Type)
	h.Budget, h.Soak, h.GatesBefore, h.GatesAfter = v.budget, v.soak, v.gatesBefore, v.gatesAfter
	h.AllowNotReady, h.AckHandBack, h.Reported, h.HoldersAreActors = v.allowNotReady, v.handBack, v.reported, true
	h.LeaseDuration, h.Slack, h.Looked = leaseDuration, max(v.slack, calm), max(v.slack, calm)
	h.Ended = w.ended(t)
	return h
}

func wrote(h *check.History) bool {
	for i := range h.Writes {
		if h.Writes[i].Ours {
			return true
		}
	}
	return false
}

// dead tells that the process that held the Lease was gone by then.
func (w *world) dead(holder string, taken time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.processes { // who@host_pid_random
		if strings.Contains(holder, fmt.Sprintf("_%d_", p.cmd.Process.Pid)) {
			return p.exited() && p.ended.Before(taken)
		}
	}
	return false
}

// ended is the outcome that the last process reported.
func (w *world) ended(t *testing.T) string {
	t.Helper()
	out := ""
	for _, p := range w.processes {
		for _, e := range p.events(t) {
			switch e.Type {
			case core.EventDone, core.EventUndone, core.EventAborted:
				out = string(e.Type)
			case core.EventStarted:
				out = ""
			default:
			}
		}
	}
	return out
}

// answers are those of the gates, as the journals tell them.
func (w *world) answers(t *testing.T) []check.Write {
	t.Helper()
	var out []check.Write
	for _, p := range w.processes {
		for _, e := range p.events(t) {
			if (e.Type == core.EventGatePassed || e.Type == core.EventGateBlocked) && e.Reason != "" {
				out = append(out, check.Write{At: e.At, Ours: true, Kind: "Gate", Verb: e.Reason, Name: e.Gate, GateNode: e.Node})
			}
		}
	}
	return out
}

// around prints the writes before a violation.
func around(h *check.History, at int) string {
	if at < 0 {
		at = len(h.Writes) - 1
	}
	var b strings.Builder
	for i := max(0, at-12); i <= at; i++ {
		x := &h.Writes[i]
		fmt.Fprintf(&b, "%5d %d %s %-40s %-7s %s/%s", i, x.RV, x.At.Format("15:04:05.000"), x.Actor, x.Verb, x.Kind, x.Name)
		switch o := x.Post; {
		case o == nil:
			b.WriteString(" gone")
		case o.Pod != nil:
			fmt.Fprintf(&b, " on %s %s ready=%t deleted=%t restarts=%d", o.Pod.Node, o.Labels["controller-revision-hash"], o.Pod.Ready, o.Pod.Deleted, o.Pod.Restarts)
		case o.Node != nil:
			fmt.Fprintf(&b, " cordoned=%t ready=%s mark=%s taints=%v", o.Node.Unschedulable, o.Node.Ready, o.Annotations[core.MarkAnnotation], o.Node.Taints)
		case o.DaemonSet != nil:
			fmt.Fprintf(&b, " %s %s arm=%s", o.DaemonSet.Strategy, o.DaemonSet.Template, o.Annotations[core.ArmAnnotation])
		case o.Lease != nil:
			fmt.Fprintf(&b, " %s epoch=%d %s", o.Lease.Holder, o.Lease.Epoch, progress(o.Lease.Run))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// progress is what changes of a stored run.
func progress(run string) string {
	if i := strings.Index(run, `"phase":`); i > 0 {
		return run[i:]
	}
	return run
}

// nothingLeft demands that the run has left no trace.
func (w *world) nothingLeft(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	ds := w.daemonSet(ctx, t)
	if d := cmp.Diff(w.before.Spec.UpdateStrategy, ds.Spec.UpdateStrategy); d != "" {
		t.Errorf("the update strategy is not as it was: %s", d)
	}
	w.clean(t, "daemonset", ds.Annotations)
	revisions, err := shared.client.AppsV1().ControllerRevisions(w.name).List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range revisions.Items {
		w.clean(t, "revision "+revisions.Items[i].Name, revisions.Items[i].Annotations)
	}
	nodes, err := shared.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: worldLabel + "=" + w.name})
	if err != nil {
		t.Fatal(err)
	}
	for i := range nodes.Items {
		n := &nodes.Items[i]
		w.clean(t, "node "+n.Name, n.Annotations)
		if n.Spec.Unschedulable != w.cordoned[n.Name] {
			t.Errorf("node %s: cordoned is %t, it was %t", n.Name, n.Spec.Unschedulable, w.cordoned[n.Name])
		}
	}
	if !w.noLease(ctx, t) {
		t.Error("the lease is still there")
	}
}

func (w *world) noLease(ctx context.Context, t *testing.T) bool {
	t.Helper()
	_, err := shared.client.CoordinationV1().Leases(w.name).Get(ctx, core.LeaseName(agent), metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		t.Fatal(err)
	}
	return err != nil
}

func (w *world) clean(t *testing.T, what string, annotations map[string]string) {
	t.Helper()
	for k, v := range annotations {
		if strings.HasPrefix(k, "kubectl-ds.github.io/") {
			t.Errorf("%s keeps %s=%s", what, k, v)
		}
	}
}

// nodesOf are the nodes of events of a type, in order.
func nodesOf(events []event, kind core.EventType) []string {
	var out []string
	for i := range events {
		if events[i].Type == kind {
			out = append(out, events[i].Node)
		}
	}
	return out
}
