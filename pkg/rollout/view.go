package rollout

import (
	"slices"
	"strconv"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-ds/kubectl-ds/pkg/eligibility"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// View is a snapshot seen from one DaemonSet: what Decide looks at.
type View struct {
	Snapshot  *snapshot.Snapshot
	DaemonSet *appsv1.DaemonSet // nil where it is not there
	// Revisions that the DaemonSet owns, the newest first.
	Revisions []*appsv1.ControllerRevision
	Nodes     []NodeView      // by name
	Homeless  []*snapshot.Pod // pods mapped to a node that is not there
	// Unread names the first read that failed and that a decision needs.
	Unread string

	// The Lease, as the driver last saw or wrote it.
	LeaseVersion string
	LeaseGone    bool
	Intents      []Intent

	at   map[string]int
	same *bool // what holdsTemplate found
}

// NodeView is a node with what a decision needs of it.
type NodeView struct {
	Node *corev1.Node
	Pods []*snapshot.Pod // of the DaemonSet, by name
	// Others are the other live pods bound to the node; Complete says that
	// they were all read.
	Others   []*snapshot.Pod
	Complete bool
	Ready    corev1.ConditionStatus
	Mark     *Mark
	// ShouldRun is what the controller decides for a new pod. Doubt is set
	// where only a feature gate of the server tells: then nothing is deleted.
	ShouldRun bool
	Doubt     bool
	// MayRun is ShouldRun with transient taints set aside.
	MayRun bool
}

// NewView looks at a sorted snapshot from the DaemonSet namespace/name. A view
// keeps what the snapshot holds and changes nothing in it.
func NewView(s *snapshot.Snapshot, namespace, name string) *View {
	v := &View{Snapshot: s, at: make(map[string]int, len(s.Nodes)), Nodes: make([]NodeView, len(s.Nodes))}
	for _, d := range s.DaemonSets {
		if d.Namespace == namespace && d.Name == name {
			v.DaemonSet = d
		}
	}
	for _, res := range []string{snapshot.ResourceDaemonSets, snapshot.ResourceNodes, snapshot.ResourcePods, snapshot.ResourceRevisions} {
		if f, ok := s.Missing(res, namespace); ok && v.Unread == "" {
			v.Unread = strings.TrimSpace(f.Verb+" "+f.Resource) + ": " + f.Error
		}
	}
	for i, n := range s.Nodes {
		v.at[n.Name] = i
		v.Nodes[i] = NodeView{Node: n, Ready: readyOf(n), Mark: MarkOf(n), Complete: s.PodsComplete(n.Name)}
	}
	if v.DaemonSet == nil {
		return v
	}
	v.eligible()
	v.revisions()
	v.pods()
	return v
}

func (v *View) eligible() {
	rules := eligibility.Compile(&v.DaemonSet.Spec.Template.Spec)
	// Without patterns there is no error.
	transient, _ := eligibility.NewTransient(nil)
	for i := range v.Nodes {
		n := &v.Nodes[i]
		n.ShouldRun = rules.Evaluate(n.Node, false).ShouldRun
		n.MayRun = n.ShouldRun
		if !n.ShouldRun && len(n.Node.Spec.Taints) > 0 {
			n.MayRun = rules.Steady(n.Node, false, transient)
		}
		if rules.GateDependent() {
			n.Doubt = n.ShouldRun != rules.Evaluate(n.Node, true).ShouldRun
		}
	}
}

func (v *View) revisions() {
	for _, r := range v.Snapshot.Revisions {
		for i := range r.OwnerReferences {
			ref := &r.OwnerReferences[i]
			if ref.Controller != nil && *ref.Controller && ref.UID == v.DaemonSet.UID {
				v.Revisions = append(v.Revisions, r)
			}
		}
	}
	slices.SortStableFunc(v.Revisions, func(a, b *appsv1.ControllerRevision) int {
		return int(b.Revision - a.Revision)
	})
}

// pods maps pods to nodes as getNodesToDaemonPods does
// (pkg/controller/daemon/daemon_controller.go, v1.37.2). Orphans are left to
// the controller: what it has not adopted is not deleted.
func (v *View) pods() {
	for i := range v.Snapshot.Pods {
		p := &v.Snapshot.Pods[i]
		ours := p.Owner != nil && p.Owner.UID == v.DaemonSet.UID && p.Namespace == v.DaemonSet.Namespace
		at, there := v.at[p.EffectiveNode()]
		switch {
		case ours && there:
			v.Nodes[at].Pods = append(v.Nodes[at].Pods, p)
		case ours && p.EffectiveNode() != "":
			v.Homeless = append(v.Homeless, p)
		case !ours && there && p.Node != "" && !p.Terminal():
			v.Nodes[at].Others = append(v.Nodes[at].Others, p)
		}
	}
}

// Node returns a node by name, nil where it is not there.
func (v *View) Node(name string) *NodeView {
	if i, ok := v.at[name]; ok {
		return &v.Nodes[i]
	}
	return nil
}

// member returns the node of a member, nil where it is gone or a namesake
// stands in its place.
func (v *View) member(m Member) *NodeView {
	if n := v.Node(m.Node); n != nil && ShortUID(n.Node.UID) == m.UID {
		return n
	}
	return nil
}

// settled reports whether the controller has seen the newest generation, so
// that the current revision exists (rollout.md e-1).
func (v *View) settled() bool {
	return v.DaemonSet.Status.ObservedGeneration >= v.DaemonSet.Generation
}

// current is the revision of the template; nil before it is known. The highest
// number is the current one: constructHistory raises the one that equals the
// template (pkg/controller/daemon/update.go, v1.37.2).
// It holds the template that the DaemonSet has, or the list of revisions is
// older than the DaemonSet: the two come from two watches.
func (v *View) current() *appsv1.ControllerRevision {
	if len(v.Revisions) == 0 || !v.settled() || !v.holdsTemplate() {
		return nil
	}
	return v.Revisions[0]
}

// holdsTemplate reports whether the newest revision is of the template that is
// there; also where its data cannot be read, as in a capture.
func (v *View) holdsTemplate() bool {
	if v.same == nil {
		t, err := templateOf(v.Revisions[0])
		same := err != nil || equality.Semantic.DeepEqual(t, &v.DaemonSet.Spec.Template)
		v.same = &same
	}
	return *v.same
}

func (v *View) pin(r *appsv1.ControllerRevision) Revision {
	return Revision{Name: r.Name, Hash: r.Labels[hashLabel], Number: r.Revision, Generation: v.templateGeneration()}
}

// templateGeneration is raised by the API server in the write that changes the
// template (pkg/registry/apps/daemonset/strategy.go, v1.37.2), so it tells of
// a new template before there is a revision of it. 0 where it is not kept.
func (v *View) templateGeneration() int64 {
	g, err := strconv.ParseInt(v.DaemonSet.Annotations[appsv1.DeprecatedTemplateGeneration], 10, 64)
	if err != nil {
		return 0
	}
	return g
}

func (v *View) onDelete() bool {
	return v.DaemonSet.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType
}

// available is what the controller counts, except that a pod that is being
// deleted never is, and neither is one that nobody reports for.
func (n *NodeView) available(p *snapshot.Pod, minReadySeconds int32, now time.Time) bool {
	if !p.Ready || p.Deleted != 0 || p.Terminal() || n.Ready == corev1.ConditionUnknown {
		return false
	}
	if minReadySeconds == 0 {
		return true
	}
	ends := time.Unix(int64(p.ReadySince), 0).Add(time.Duration(minReadySeconds) * time.Second)
	return p.ReadySince != 0 && !ends.After(now)
}

// live are the pods that run or will run.
func live(p *snapshot.Pod) bool { return p.Deleted == 0 && !p.Terminal() }

func readyOf(n *corev1.Node) corev1.ConditionStatus {
	for i := range n.Status.Conditions {
		if c := &n.Status.Conditions[i]; c.Type == corev1.NodeReady {
			return c.Status
		}
	}
	return corev1.ConditionUnknown
}

// ours reports whether the mark is of the run.
func (m *Mark) ours(run string) bool { return m != nil && m.Run == run }

// podByUID finds a pod of the DaemonSet on the node.
func (n *NodeView) podByUID(uid types.UID) *snapshot.Pod {
	for _, p := range n.Pods {
		if p.UID == uid {
			return p
		}
	}
	return nil
}
