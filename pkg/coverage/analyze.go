package coverage

import (
	"maps"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/eligibility"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

func analyze(s *snapshot.Snapshot, opts Options) *Result {
	if opts.Transient == nil {
		// Without patterns there is no error.
		opts.Transient, _ = eligibility.NewTransient(nil)
	}
	r := &Result{Snapshot: s, Options: opts, DaemonSets: make([]DaemonSetResult, len(s.DaemonSets))}
	if _, r.NodesUnread = s.Missing(snapshot.ResourceNodes, ""); r.NodesUnread {
		s = withNodesOfPods(s)
		r.Snapshot = s
	}
	ix := newIndex(s)
	revisions := revisionsByOwner(s)
	first := make([]int32, len(s.Nodes))
	all := asked(ix, r)
	for i := range all {
		a, d := &all[i], s.DaemonSets[i]
		a.claim = ix.newClaim(d, first)
		a.target = currentTarget(d, revisions[d.UID], s.Pods, ix.byOwner[d.UID])
		a.run()
	}
	return r
}

// asked begins the work on every DaemonSet with the answers of its rules. They
// are asked node by node: a node's labels and taints are then in the
// processor's cache for all DaemonSets, which counts on thousands of nodes.
func asked(ix *index, r *Result) []analysis {
	all := make([]analysis, len(ix.s.DaemonSets))
	for i, d := range ix.s.DaemonSets {
		all[i] = analysis{
			ix: ix, opts: &r.Options, d: d, out: &r.DaemonSets[i],
			rules: eligibility.Compile(&d.Spec.Template.Spec), answers: make([]eligibility.Answer, len(ix.s.Nodes)),
		}
		all[i].settleGate()
	}
	for j, n := range ix.s.Nodes {
		for i := range all {
			all[i].answers[j] = all[i].rules.Evaluate(n, all[i].gate)
		}
	}
	return all
}

// analysis is the work on one DaemonSet.
type analysis struct {
	ix    *index
	opts  *Options
	d     *appsv1.DaemonSet
	rules *eligibility.Rules
	// answers are those of the rules, by node.
	answers []eligibility.Answer
	claim   *claim
	target  target
	out     *DaemonSetResult

	gate    bool // the answer of the feature gate that status supports
	gateOff bool // both answers are possible: nodes that depend on it are Unknown
	latent  string
	young   bool
	// creation is why pods cannot be created, computed at the first need.
	creation *creation
	selected []int32 // by pool: nodes that should run
	sized    []int32 // by pool: all nodes
	labels   *labelIndex
	rooms    map[string]int32 // examined node by message and shape
	hiding   []hidingTaint
	churn    map[string]*ChurnEvidence // by node
	alike    map[string]*exclusion
	likeness []byte   // scratch
	reads    []string // labels that the rules read
	byName   bool     // they read the node's name as well
	tainted  []int32  // nodes with taints that should not run it
	runs     int      // ordinary nodes that should
}

func (a *analysis) run() {
	o := a.out
	o.DaemonSet, o.Rules, o.Revision = a.d, a.rules, a.target.Revision
	_, o.PodsUnread = a.ix.s.Missing(snapshot.ResourcePods, a.d.Namespace)
	_, o.EventsUnread = a.ix.s.Missing(snapshot.ResourceEvents, a.d.Namespace)
	o.Gate = a.gate

	nodes := a.ix.s.Nodes
	o.everywhere = make([]Verdict, len(nodes))
	a.selected = make([]int32, len(a.ix.pools.label))
	a.sized = make([]int32, len(a.ix.pools.label))
	for i, n := range nodes {
		ans := a.answers[i]
		pods := a.claim.pods(int32(i))
		var p *snapshot.Pod
		if len(pods) > 0 {
			p = &a.ix.s.Pods[pods[0]]
		}
		o.Counts.count(a.d, ans.ShouldRun, p, &a.target, a.opts.Now)
		switch {
		case !a.ix.ordinary[i]:
		case ans.ShouldRun:
			a.runs++
		case len(n.Spec.Taints) > 0:
			a.tainted = append(a.tainted, int32(i))
		default:
		}
		if pool := a.ix.pools.of[i]; pool >= 0 {
			a.sized[pool]++
			if ans.ShouldRun {
				a.selected[pool]++
			}
		}
		v := &o.everywhere[i]
		v.Node, v.Pod = int32(i), -1
		a.judge(v, n, ans, pods)
		a.surged(v, n, pods)
	}
	a.second()
	a.placesTaken()
	a.choose()
	a.summarize()
	a.findings()
	if !o.PodsUnread && !a.unreadNodes() {
		o.Drift = drift(a.d, o.Counts, &a.target, doubts{latentTaint: a.latent, settling: a.young || slices.ContainsFunc(a.claim.gone, a.joining)})
	}
}

// choose keeps the verdicts of the nodes that are asked for.
func (a *analysis) choose() {
	o := a.out
	if o.Verdicts = o.everywhere; a.opts.Nodes == nil {
		return
	}
	o.Verdicts = nil
	for i := range o.everywhere {
		if a.opts.Nodes(a.ix.s.Nodes[i]) {
			o.Verdicts = append(o.Verdicts, o.everywhere[i])
		}
	}
}

// settleGate decides which answer of the feature gate for comparison
// operators the status supports, where a toleration uses one.
func (a *analysis) settleGate() {
	if !a.rules.GateDependent() {
		return
	}
	var off, on int64
	differ := false
	for _, n := range a.ix.s.Nodes {
		x, y := a.rules.Evaluate(n, false).ShouldRun, a.rules.Evaluate(n, true).ShouldRun
		if x {
			off++
		}
		if y {
			on++
		}
		differ = differ || x != y
	}
	want := int64(a.d.Status.DesiredNumberScheduled)
	a.gate = on == want && off != want
	a.gateOff = differ && (off == on || off != want && on != want)
}

// judge gives state and reason for one node.
func (a *analysis) judge(v *Verdict, n *corev1.Node, ans eligibility.Answer, pods []int32) {
	if a.unreadNodes() {
		a.unread(v, snapshot.ResourceNodes)
		if len(pods) > 0 {
			v.Pod = pods[0]
		}
		return
	}
	v.Steady = ans.ShouldRun
	if !ans.ShouldRun && len(n.Spec.Taints) > 0 {
		v.Steady = a.exclusion(n).steady
		v.Hidden = v.Steady
	}
	if a.gateOff && a.gateMatters(n) {
		a.judgeGate(v, n, pods)
		return
	}
	switch {
	case ans.ShouldRun && a.out.PodsUnread, a.out.PodsUnread && v.Steady:
		a.unread(v, snapshot.ResourcePods)
	case ans.ShouldRun && len(pods) == 0:
		a.missing(v, n)
	case ans.ShouldRun:
		a.present(v, n, pods)
	case len(pods) > 0:
		a.misplaced(v, n, ans, pods)
	default:
		a.excluded(v, n)
	}
	if v.Settling {
		a.young = true
	}
}

func (a *analysis) gateMatters(n *corev1.Node) bool {
	return a.rules.Evaluate(n, true) != a.rules.Evaluate(n, false)
}

func (a *analysis) judgeGate(v *Verdict, n *corev1.Node, pods []int32) {
	v.State, v.Reason = Unknown, TaintGateDependent
	if len(pods) > 0 {
		v.Pod = pods[0]
	}
	e := a.rules.Explain(n, false, a.opts.Transient)
	v.Detail = &Detail{Evidence: Evidence{Taints: taintEvidence(e.Untolerated())}}
}

// unread marks a node whose verdict needs a read that failed.
func (a *analysis) unread(v *Verdict, resource string) {
	v.State, v.Reason, v.Detail = Unknown, UnknownReason, &Detail{}
	if f, ok := a.ix.s.Missing(resource, a.d.Namespace); ok {
		v.Detail.Evidence.Unread = describeRead(f)
	}
}

func (a *analysis) unreadNodes() bool {
	_, unread := a.ix.s.Missing(snapshot.ResourceNodes, "")
	return unread
}

// settling reports whether node, pod or revision are younger than the grace,
// or the node is newly on its way out.
func (a *analysis) settling(n *corev1.Node, p *snapshot.Pod) bool {
	switch {
	case a.within(snapshot.TimeOf(&n.CreationTimestamp)), a.within(snapshot.TimeOf(n.DeletionTimestamp)):
		return true
	case p != nil && a.within(p.Created) && !a.again(n.Name):
		return true
	case a.within(a.target.created), a.within(snapshot.TimeOf(&a.d.CreationTimestamp)):
		return true
	}
	for i := range n.Spec.Taints {
		if t := &n.Spec.Taints[i]; a.within(snapshot.TimeOf(t.TimeAdded)) && a.opts.Transient.Class(t) == eligibility.Leaving {
			return true
		}
	}
	return false
}

// again reports whether pods fail and are replaced on a node again and again:
// the one that is there is always young then, and time mends nothing. Only what
// the controller called failed is seen; who deletes pods leaves no event that is
// read.
func (a *analysis) again(node string) bool {
	c := a.churnOn(node)
	return c != nil && c.Failed >= churnSettles
}

// within reports whether t is less than the grace ago. Clocks differ a little;
// what is further ahead than that says only that a time before the data was
// asked for, and not that anything is young.
func (a *analysis) within(t snapshot.Time) bool {
	ago := a.opts.Now.Sub(time.Unix(int64(t), 0))
	return t != 0 && ago < a.opts.Grace && ago >= -ClockSkew
}

// withNodesOfPods lets the names of nodes that pods are bound to stand for the
// nodes that could not be listed: each pair on them is Unknown, and nodes
// without pods are not even seen.
func withNodesOfPods(s *snapshot.Snapshot) *snapshot.Snapshot {
	names := map[string]bool{}
	for i := range s.Pods {
		if name := s.Pods[i].EffectiveNode(); name != "" {
			names[name] = true
		}
	}
	out := *s
	out.Nodes = nil
	for _, name := range slices.Sorted(maps.Keys(names)) {
		n := &corev1.Node{}
		n.Name = name
		out.Nodes = append(out.Nodes, n)
	}
	return &out
}

// detail returns the detail of a verdict, made at the first need.
func detail(v *Verdict) *Detail {
	if v.Detail == nil {
		v.Detail = &Detail{}
	}
	return v.Detail
}

func key(p *snapshot.Pod) string { return p.Namespace + "/" + p.Name }
