package drive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

const (
	inNamespace = "kube-system"
	called      = "agent"
	holder      = "jane@host_1_aaaaaa"
	hashOf      = appsv1.DefaultDaemonSetUniqueLabelKey
)

// sent is one request as it came in.
type sent struct {
	at   time.Time
	line string // "delete agent-0-1", "renew", "save Running", "look", "poll"
}

// cluster is an API server with one DaemonSet, its controller, and watches
// that never lag unless they are told to. It keeps a journal.
type cluster struct {
	t  testing.TB
	mu sync.Mutex

	rv      int
	lease   *kube.Lease
	ds      *appsv1.DaemonSet
	revs    []*appsv1.ControllerRevision
	nodes   []*corev1.Node
	pods    []snapshot.Pod
	journal []sent
	deleted map[types.UID]int
	whole   bool // every pod of every node was read

	// starts is how long a new pod takes until it is ready.
	starts time.Duration
	// before is asked ahead of every request, outside of the lock: an error is
	// what the client sees, and nothing happens.
	before func(ctx context.Context, line string) error
	// after is asked when it has happened: an error is a lost answer.
	after func(line string) error
	// frozen is what watches say where they hang.
	frozen *snapshot.Snapshot
	// watched makes of the Lease what the watch says of it.
	watched func(l *kube.Lease) (*kube.Lease, error)
	// looked makes of what is read again what the driver sees.
	looked  func(s *snapshot.Snapshot) *snapshot.Snapshot
	changed chan struct{}
}

var errEOF = errors.New("unexpected EOF")

func tooMany(seconds int) error {
	return &kube.RequestError{Verb: "x", Resource: "x", Err: apierrors.NewTooManyRequests("slow down", seconds)}
}

func conflict() error {
	return &kube.RequestError{Verb: "x", Resource: "x", Err: apierrors.NewConflict(schema.GroupResource{Resource: "x"}, "x", errors.New("it is not as it was"))}
}

func notFound() error {
	return &kube.RequestError{Verb: "x", Resource: "x", Err: apierrors.NewNotFound(schema.GroupResource{Resource: "x"}, "x")}
}

func lost() error { return &kube.RequestError{Verb: "x", Resource: "x", Err: errEOF} }

// newCluster has n nodes with old pods, and an armed DaemonSet.
func newCluster(t testing.TB, n int) *cluster {
	c := &cluster{t: t, rv: 100, deleted: map[types.UID]int{}, starts: time.Second, changed: make(chan struct{}, 1)}
	ds := &appsv1.DaemonSet{}
	ds.Namespace, ds.Name, ds.UID, ds.ResourceVersion, ds.Generation = inNamespace, called, "ds-uid", "100", 2
	ds.Annotations = map[string]string{appsv1.DeprecatedTemplateGeneration: "2", rollout.ArmAnnotation: rollout.Armed{Run: "r1", Original: "RollingUpdate"}.String()}
	ds.Spec.UpdateStrategy.Type = appsv1.OnDeleteDaemonSetStrategyType
	ds.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": called}}
	ds.Spec.Template.Labels = map[string]string{"app": called}
	ds.Status.ObservedGeneration = 2
	c.ds = ds
	yes := true
	for i := int64(1); i <= 2; i++ {
		r := &appsv1.ControllerRevision{Revision: i}
		r.Namespace, r.Name, r.UID, r.ResourceVersion = inNamespace, fmt.Sprintf("agent-h%d", i), types.UID(fmt.Sprintf("rev%d", i)), "5"
		r.Labels = map[string]string{hashOf: fmt.Sprintf("h%d", i)}
		r.OwnerReferences = []metav1.OwnerReference{{Kind: "DaemonSet", Name: called, UID: ds.UID, Controller: &yes}}
		c.revs = append(c.revs, r)
	}
	for i := range n {
		node := &corev1.Node{}
		node.Name, node.UID, node.ResourceVersion = fmt.Sprintf("n%d", i), types.UID(fmt.Sprintf("%08d-node", i)), "7"
		node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
		c.nodes = append(c.nodes, node)
		c.pods = append(c.pods, c.pod(i, 1, "h1"))
	}
	return c
}

func (c *cluster) pod(node, generation int, hash string) snapshot.Pod {
	c.rv++
	return snapshot.Pod{
		Namespace: inNamespace, Name: fmt.Sprintf("agent-%d-%d", node, generation), UID: types.UID(fmt.Sprintf("pod-%d-%d", node, generation)),
		ResourceVersion: strconv.Itoa(c.rv), Node: fmt.Sprintf("n%d", node), Phase: corev1.PodRunning, Ready: true,
		Owner:      &snapshot.Owner{Kind: "DaemonSet", Name: called, UID: c.ds.UID},
		ReadySince: snapshot.Time(time.Now().Unix()), Created: snapshot.Time(time.Now().Unix()),
		Labels: map[string]string{"app": called, hashOf: hash},
	}
}

// run is stored in a Lease that holder holds.
func (c *cluster) run(p *rollout.Policy, phase rollout.Phase) *rollout.Run {
	n := len(c.nodes)
	r := &rollout.Run{
		Version: rollout.SchemaVersion, Original: "RollingUpdate",
		Identity: rollout.Identity{Namespace: inNamespace, Name: called, UID: c.ds.UID, ID: "r1", Epoch: 1, By: "jane"},
		Target:   rollout.Revision{Name: "agent-h2", Hash: "h2", Number: 2, Generation: 2}, From: rollout.Revision{Name: "agent-h1", Hash: "h1", Number: 1},
		Policy: p.WithoutCommands(),
	}
	for _, node := range c.nodes {
		r.Members = append(r.Members, rollout.Member{Node: node.Name, UID: rollout.ShortUID(node.UID)})
	}
	r.Waves, r.Size, r.Phase = []int{n}, n, phase
	if phase == rollout.Paused {
		r.Because = &rollout.Cause{Code: rollout.PauseAsked}
	}
	b, err := rollout.EncodeRun(r)
	if err != nil {
		c.t.Fatal(err)
	}
	c.lease = &kube.Lease{
		Namespace: inNamespace, Name: rollout.LeaseName(called), UID: "lease-uid", ResourceVersion: "50",
		Holder: holder, Duration: LeaseDuration, Renewed: time.Now(), Epoch: 1, Run: b,
	}
	return r
}

// request is the way of every request through the fakes.
func (c *cluster) request(ctx context.Context, line string, do func() error) error {
	if err := ctx.Err(); err != nil {
		return &kube.RequestError{Verb: line, Err: err}
	}
	c.mu.Lock()
	c.journal = append(c.journal, sent{time.Now(), line})
	before, after := c.before, c.after
	c.mu.Unlock()
	if before != nil {
		if err := before(ctx, line); err != nil {
			return err
		}
	}
	c.mu.Lock()
	err := do()
	c.mu.Unlock()
	if err == nil && after != nil {
		err = after(line)
	}
	return err
}

func (c *cluster) wake() {
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

func (c *cluster) version() string {
	c.rv++
	return strconv.Itoa(c.rv)
}

// now is what the server holds.
func (c *cluster) now() *snapshot.Snapshot {
	s := &snapshot.Snapshot{AllPods: c.whole, Nodes: slices.Clone(c.nodes), Revisions: slices.Clone(c.revs), Pods: slices.Clone(c.pods)}
	if c.ds != nil {
		s.DaemonSets = []*appsv1.DaemonSet{c.ds.DeepCopy()}
	}
	s.Source.TakenAt = time.Now()
	s.Sort()
	return s
}

func (c *cluster) Snapshot(time.Time) *snapshot.Snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.frozen != nil {
		out := *c.frozen
		return &out
	}
	return c.now()
}

func (c *cluster) Changed() <-chan struct{} { return c.changed }
func (c *cluster) Ready() <-chan struct{}   { return nil }

func (c *cluster) Lease() (*kube.Lease, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.lease
	if l != nil {
		v := *l
		l = &v
	}
	if c.watched != nil {
		return c.watched(l)
	}
	return l, nil
}

func (c *cluster) Look(ctx context.Context, _ *snapshot.Snapshot, _ ...rollout.Look) (out *snapshot.Snapshot, err error) {
	err = c.request(ctx, "look", func() error {
		if out = c.now(); c.looked != nil {
			out = c.looked(out)
		}
		return nil
	})
	return out, err
}

func (c *cluster) Poll(ctx context.Context) error {
	return c.request(ctx, "poll", func() error {
		c.frozen = nil // a list is what a hung watch is healed by
		c.wake()
		return nil
	})
}

func (c *cluster) Follow([]string)      {}
func (c *cluster) Learn(runtime.Object) {}

func (c *cluster) Event(context.Context, *corev1.Event) error { return nil }

func (c *cluster) Do(ctx context.Context, ds *appsv1.DaemonSet, a rollout.Action) (out runtime.Object, err error) {
	switch a := a.(type) {
	case *rollout.DeletePod:
		err = c.request(ctx, "delete "+a.Name, func() error { return c.remove(a) })
	case *rollout.HandBack:
		err = c.request(ctx, "handback", func() error {
			if a.ResourceVersion != c.ds.ResourceVersion {
				return conflict()
			}
			c.ds = c.ds.DeepCopy()
			delete(c.ds.Annotations, rollout.ArmAnnotation)
			c.ds.Spec.UpdateStrategy.Type = appsv1.DaemonSetUpdateStrategyType(a.Strategy)
			c.ds.ResourceVersion = c.version()
			return nil
		})
		out = ds
	case *rollout.Cordon:
		err = c.request(ctx, "cordon "+a.Node, func() error { return c.cordon(a.Node, true, a.Mark.String()) })
	case *rollout.Uncordon:
		err = c.request(ctx, "uncordon "+a.Node, func() error { return c.cordon(a.Node, a.Unschedulable, "") })
	case *rollout.Evict:
		err = c.request(ctx, "evict "+a.Name, func() error { return c.evict(a) })
	default:
		c.t.Errorf("nobody expects %T", a)
	}
	return out, err
}

func (c *cluster) cordon(node string, on bool, mark string) error {
	i := slices.IndexFunc(c.nodes, func(n *corev1.Node) bool { return n.Name == node })
	n := c.nodes[i].DeepCopy()
	n.ResourceVersion, n.Spec.Unschedulable, n.Annotations = c.version(), on, nil
	if mark != "" {
		n.Annotations = map[string]string{rollout.MarkAnnotation: mark}
	}
	c.nodes = slices.Clone(c.nodes)
	c.nodes[i] = n
	c.wake()
	return nil
}

func (c *cluster) evict(a *rollout.Evict) error {
	c.pods = slices.DeleteFunc(slices.Clone(c.pods), func(p snapshot.Pod) bool { return p.UID == a.UID })
	c.wake()
	return nil
}

// remove deletes a pod; the controller makes a new one.
func (c *cluster) remove(a *rollout.DeletePod) error {
	i := slices.IndexFunc(c.pods, func(p snapshot.Pod) bool { return p.Name == a.Name })
	switch {
	case i < 0:
		return notFound()
	case c.pods[i].UID != a.UID || c.pods[i].ResourceVersion != a.ResourceVersion:
		return conflict()
	}
	c.deleted[a.UID]++
	c.pods = slices.Delete(slices.Clone(c.pods), i, i+1)
	var node, generation int
	if _, err := fmt.Sscanf(a.Name, "agent-%d-%d", &node, &generation); err != nil {
		return err
	}
	time.AfterFunc(c.starts, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.pods = append(slices.Clone(c.pods), c.pod(node, generation+1, "h2"))
		c.wake()
	})
	c.wake()
	return nil
}

// locker is the part of the cluster that keeps the Lease: a name of its own,
// since both read a "Lease".
type locker struct{ *cluster }

func (c locker) Lease(ctx context.Context, namespace, name string) (out *kube.Lease, err error) {
	err = c.request(ctx, "get lease", func() error {
		if namespace != inNamespace || name != rollout.LeaseName(called) {
			return fmt.Errorf("%s/%s is another Lease", namespace, name)
		}
		if c.lease != nil {
			v := *c.lease
			out = &v
			if _, err := rollout.DecodeRun(v.Run); err != nil {
				return &kube.StateError{Namespace: namespace, Name: name, Err: err}
			}
		}
		return nil
	})
	if err != nil {
		out = nil
	}
	return out, err
}

func (c locker) UpdateLease(ctx context.Context, l *kube.Lease) (out *kube.Lease, err error) {
	run, err := rollout.DecodeRun(l.Run)
	if err != nil {
		return nil, err
	}
	line := "save " + string(run.Phase)
	c.mu.Lock()
	switch {
	case l.Holder == "":
		line = "release"
	case c.lease != nil && string(c.lease.Run) == string(l.Run) && string(c.lease.Intents) == string(l.Intents):
		line = "renew"
	}
	c.mu.Unlock()
	err = c.request(ctx, line, func() error {
		switch {
		case c.lease == nil:
			return notFound()
		case c.lease.UID != l.UID || c.lease.ResourceVersion != l.ResourceVersion:
			return conflict()
		}
		v := *l
		v.ResourceVersion = c.version()
		c.lease = &v
		w := v
		out = &w
		c.wake()
		return nil
	})
	if err != nil {
		out = nil
	}
	return out, err
}

func (c locker) DeleteLease(ctx context.Context, l *kube.Lease) error {
	return c.request(ctx, "delete lease", func() error {
		switch {
		case c.lease == nil:
			return notFound()
		case c.lease.UID != l.UID || c.lease.ResourceVersion != l.ResourceVersion:
			return conflict()
		}
		c.lease = nil
		c.wake()
		return nil
	})
}

// edit changes the Lease as somebody else does.
func (c *cluster) edit(f func(l *kube.Lease)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := *c.lease
	f(&v)
	v.ResourceVersion = c.version()
	c.lease = &v
	c.wake()
}

// stored is the run in the Lease.
func (c *cluster) stored() (*kube.Lease, *rollout.Run) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lease == nil {
		return nil, nil
	}
	v := *c.lease
	run, err := rollout.DecodeRun(v.Run)
	if err != nil {
		c.t.Error(err)
	}
	return &v, run
}

// lines are the requests so far whose line begins so, in order.
func (c *cluster) lines(prefix ...string) []sent {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []sent
	for _, s := range c.journal {
		if slices.ContainsFunc(prefix, func(p string) bool { return strings.HasPrefix(s.line, p) }) {
			out = append(out, s)
		}
	}
	return out
}

// writes are all requests but reads.
func (c *cluster) writes() []sent { return c.lines("delete", "save", "renew", "release", "handback") }

// onTarget counts pods of the target.
func (c *cluster) onTarget() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, p := range c.pods {
		if p.Labels[hashOf] == "h2" {
			n++
		}
	}
	return n
}
