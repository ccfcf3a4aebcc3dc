package coverage

import (
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/eligibility"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// ClockSkew is how far the clocks of those who write times may be ahead of the
// time that is judged at.
const ClockSkew = time.Minute

// Options of an analysis.
type Options struct {
	Now       time.Time
	Grace     time.Duration         // younger nodes, pods and revisions are settling
	Transient eligibility.Transient // nil: the known ones
	// CommandFlags are appended to every printed command, as in
	// "--context prod", so that it acts on the cluster that was read.
	CommandFlags string
	// ReportFlags are appended to printed commands of ds-coverage itself, as in
	// "--from capture.json --grace 0s", so that they judge what was judged here.
	ReportFlags string
	// Nodes limits the verdicts to some nodes; nil takes all. Counts are of
	// all nodes in any case, since status is.
	Nodes func(*corev1.Node) bool
}

// Result is the analysis of a snapshot: verdicts by index, so that a healthy
// one costs little. Report makes text of it.
type Result struct {
	Snapshot   *snapshot.Snapshot
	Options    Options
	DaemonSets []DaemonSetResult
	// NodesUnread is set where the nodes could not be listed: there is then no
	// verdict that could be trusted.
	NodesUnread bool
}

// DaemonSetResult is the analysis of one DaemonSet.
type DaemonSetResult struct {
	DaemonSet *appsv1.DaemonSet
	Rules     *eligibility.Rules
	Revision  Revision
	// Gate is the answer of the server's feature gate for comparison operators
	// that status supports.
	Gate     bool
	Counts   Counts // recomputed, as the controller counts
	Verdicts []Verdict
	Summary  Summary
	Drift    []StatusDrift
	Findings []Finding
	// Held is the rollout that holds its update strategy, nil for none.
	Held *RolloutEvidence
	// PodsUnread is set where the pods of its namespace could not be listed.
	PodsUnread bool
	// EventsUnread is set where the events of its namespace could not be listed.
	EventsUnread bool

	places places // of its RollingUpdate, among all nodes
	// everywhere are the verdicts of all nodes: what is said of the DaemonSet as
	// a whole does not depend on the nodes that are asked for.
	everywhere []Verdict
}

// having counts the nodes, asked for or not, of which something holds.
func (d *DaemonSetResult) having(what func(*Verdict) bool) int {
	n := 0
	for i := range d.everywhere {
		if what(&d.everywhere[i]) {
			n++
		}
	}
	return n
}

// Verdict is the compact judgement of one (DaemonSet, node) pair.
type Verdict struct {
	Node     int32 // index in Snapshot.Nodes
	Pod      int32 // index in Snapshot.Pods; -1 for none
	State    State
	Suspect  bool
	Settling bool
	Hidden   bool // only transient taints keep the pod away
	Steady   bool // should run with transient taints set aside
	Serves   bool // misplaced, or of an unknown revision, and its pod is available all the same
	Reason   Reason
	// Detail is nil where state and reason say all.
	Detail *Detail
}

// covered reports whether an available pod is there where one should be.
func (v *Verdict) covered() bool { return v.State == Covered || v.State == Outdated }

// Detail is what there is to say about a verdict that is not well.
type Detail struct {
	Message      string
	Remedy       string
	Since        snapshot.Time
	Evidence     Evidence
	Contributing []Reason

	shared bool     // with other verdicts: see own
	beside *Verdict // of the new pod that fails beside an outdated one
}

// node returns the node of a verdict.
func (r *Result) node(v *Verdict) *corev1.Node { return r.Snapshot.Nodes[v.Node] }

// pod returns the pod of a verdict, nil for none.
func (r *Result) pod(v *Verdict) *snapshot.Pod {
	if v.Pod < 0 {
		return nil
	}
	return &r.Snapshot.Pods[v.Pod]
}

// Analyze judges every pair of the snapshot, which must be sorted. Nothing in
// the snapshot is changed.
//
//	DaemonSets x nodes -> one Verdict each, in the order of Snapshot.Nodes
func Analyze(s *snapshot.Snapshot, opts Options) *Result { return analyze(s, opts) }
