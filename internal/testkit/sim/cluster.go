package sim

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit/sim/check"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

type templateSpec = corev1.PodTemplateSpec

// Names of the DaemonSet under test.
const (
	Namespace = "kube-system"
	Name      = "agent"
)

// Cluster is the world. Objects are replaced, never changed, so that whoever
// has read one keeps what it was.
type Cluster struct {
	now   time.Time
	rv    int64
	seq   int
	uids  int
	queue queue
	rng   *rand.Rand

	nodes map[string]*corev1.Node
	ds    *appsv1.DaemonSet
	revs  map[string]*appsv1.ControllerRevision
	pods  map[string]*snapshot.Pod // by namespace/name
	lease *lease
	// templates by what they are called in revisions.
	templates map[string]*corev1.PodTemplateSpec

	dead     map[string]bool // nodes without a kubelet
	stuck    map[types.UID]bool
	behave   func(node, template string) behaviour
	budgets  map[string]int // by label app: how many must stay
	kicked   bool
	watchers []func()

	journal []check.Write
	lastRun *rollout.Run // that was stored
}

// lease is the Lease of the rollout.
type lease struct {
	uid, rv  string
	holder   string
	epoch    int64
	renewed  time.Time // by the holder's clock
	seen     time.Time // by the server's
	run      string
	intents  string
	takeover bool
}

// NewCluster is an empty world.
func NewCluster(seed uint64) *Cluster {
	return &Cluster{
		now: time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC), rng: rand.New(rand.NewPCG(seed, seed^0x9e3779b97f4a7c15)),
		nodes: map[string]*corev1.Node{}, revs: map[string]*appsv1.ControllerRevision{}, pods: map[string]*snapshot.Pod{},
		templates: map[string]*corev1.PodTemplateSpec{}, dead: map[string]bool{}, stuck: map[types.UID]bool{},
		budgets: map[string]int{},
		behave:  func(string, string) behaviour { return behaviour{start: 3 * time.Second} },
	}
}

// uid is random in its first digits, as real ones are.
func (c *Cluster) uid() types.UID {
	c.uids++
	return types.UID(fmt.Sprintf("%08x-%04d", c.rng.Uint32(), c.uids))
}

func (c *Cluster) bump() string {
	c.rv++
	return strconv.FormatInt(c.rv, 10)
}

// who writes, and with which preconditions.
type who struct {
	actor string
	ours  bool
	verb  string
	uid   types.UID
	rv    string
	sent  time.Time
}

func (c *Cluster) log(w who, kind, namespace, name string, pre, post *check.Object) {
	c.journal = append(c.journal, check.Write{
		RV: c.rv, At: c.now, Actor: w.actor, Ours: w.ours, Verb: w.verb, Kind: kind, Namespace: namespace, Name: name,
		PreconditionUID: string(w.uid), PreconditionRV: w.rv, Sent: w.sent, Pre: pre, Post: post,
	})
	for _, wake := range c.watchers {
		wake()
	}
}

// logGate notes the answer of a gate beside the writes.
func (c *Cluster) logGate(w who, gate, node string) {
	c.journal = append(c.journal, check.Write{RV: c.rv, At: c.now, Actor: w.actor, Ours: true, Verb: w.verb, Kind: "Gate", Name: gate, GateNode: node})
}

func (c *Cluster) putNode(w who, n *corev1.Node) {
	old := c.nodes[n.Name]
	n.ResourceVersion = c.bump()
	c.nodes[n.Name] = n
	c.log(w, "Node", "", n.Name, nodeObject(old), nodeObject(n))
	c.kick()
}

func (c *Cluster) removeNode(w who, name string) {
	old := c.nodes[name]
	c.bump()
	delete(c.nodes, name)
	c.log(w, "Node", "", name, nodeObject(old), nil)
	c.kick()
}

// editNode writes a changed copy.
func (c *Cluster) editNode(w who, name string, change func(*corev1.Node)) {
	n := c.nodes[name]
	if n == nil {
		return
	}
	n = copyNode(n)
	change(n)
	c.putNode(w, n)
}

func copyNode(n *corev1.Node) *corev1.Node {
	out := *n
	out.Labels, out.Annotations = maps.Clone(n.Labels), maps.Clone(n.Annotations)
	out.Spec.Taints = slices.Clone(n.Spec.Taints)
	out.Status.Conditions = slices.Clone(n.Status.Conditions)
	if out.Annotations == nil {
		out.Annotations = map[string]string{}
	}
	return &out
}

func podKey(p *snapshot.Pod) string { return p.Namespace + "/" + p.Name }

func (c *Cluster) putPod(w who, p *snapshot.Pod) {
	old := c.pods[podKey(p)]
	p.ResourceVersion = c.bump()
	c.pods[podKey(p)] = p
	c.log(w, "Pod", p.Namespace, p.Name, podObject(old), podObject(p))
	c.kick()
}

func (c *Cluster) removePod(w who, key string) {
	old := c.pods[key]
	if old == nil {
		return
	}
	c.bump()
	delete(c.pods, key)
	c.log(w, "Pod", old.Namespace, old.Name, podObject(old), nil)
	c.kick()
}

// editPod writes a changed copy of the pod, if it is still the same one.
func (c *Cluster) editPod(w who, key string, uid types.UID, change func(*snapshot.Pod)) {
	p := c.pods[key]
	if p == nil || p.UID != uid {
		return
	}
	out := *p
	change(&out)
	c.putPod(w, &out)
}

func (c *Cluster) putDS(w who, d *appsv1.DaemonSet) {
	old := c.ds
	d.ResourceVersion = c.bump()
	c.ds = d
	c.log(w, "DaemonSet", Namespace, Name, dsObject(old), dsObject(d))
	c.kick()
}

// editDS writes a changed copy. What the API server does to the generation it
// does here (pkg/registry/apps/daemonset/strategy.go).
func (c *Cluster) editDS(w who, change func(*appsv1.DaemonSet)) {
	d := copyDS(c.ds)
	change(d)
	if templateID(&d.Spec.Template) != templateID(&c.ds.Spec.Template) {
		g, _ := strconv.ParseInt(c.ds.Annotations[appsv1.DeprecatedTemplateGeneration], 10, 64)
		d.Annotations[appsv1.DeprecatedTemplateGeneration] = strconv.FormatInt(g+1, 10)
		d.Generation++
	} else if d.Spec.UpdateStrategy.Type != c.ds.Spec.UpdateStrategy.Type {
		d.Generation++
	}
	c.putDS(w, d)
}

func copyDS(d *appsv1.DaemonSet) *appsv1.DaemonSet {
	out := *d
	out.Annotations = maps.Clone(d.Annotations)
	if out.Annotations == nil {
		out.Annotations = map[string]string{}
	}
	return &out
}

func (c *Cluster) putRevision(w who, r *appsv1.ControllerRevision) {
	old := c.revs[r.Name]
	r.ResourceVersion = c.bump()
	c.revs[r.Name] = r
	c.log(w, "ControllerRevision", Namespace, r.Name, revisionObject(old), revisionObject(r))
}

func (c *Cluster) putLease(w who, l *lease) {
	old := c.lease
	if l != nil {
		l.rv = c.bump()
	} else {
		c.bump()
	}
	c.lease = l
	c.log(w, "Lease", Namespace, "ds-rollout."+Name, leaseObject(old), leaseObject(l))
}

// templateID tells templates apart: the image of the only container.
func templateID(t *corev1.PodTemplateSpec) string { return t.Spec.Containers[0].Image }

// Snapshot reads everything.
func (c *Cluster) Snapshot() *snapshot.Snapshot {
	s := &snapshot.Snapshot{AllPods: true}
	s.Source.ClusterUID = "c1"
	s.Source.TakenAt = c.now
	s.Nodes = make([]*corev1.Node, 0, len(c.nodes))
	for _, n := range c.nodes {
		s.Nodes = append(s.Nodes, n)
	}
	if c.ds != nil {
		s.DaemonSets = []*appsv1.DaemonSet{c.ds}
	}
	for _, r := range c.revs {
		s.Revisions = append(s.Revisions, r)
	}
	s.Pods = make([]snapshot.Pod, 0, len(c.pods))
	for _, p := range c.pods {
		s.Pods = append(s.Pods, *p)
	}
	s.Sort()
	return s
}
