package coverage

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Kinds of the detail views.
const (
	KindExplanation = "DaemonSetNodeExplanation"
	KindNode        = "NodeCoverage"
	KindNodeList    = "NodeCoverageList"
)

// Explanation is every rule for one (DaemonSet, node) pair, in order.
type Explanation struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"` // of the DaemonSet
	Source            ReportSource      `json:"source"`
	Node              string            `json:"node"`
	Verdict           NodeVerdict       `json:"verdict"`
	Headline          string            `json:"headline,omitempty"` // how far from another verdict
	Rules             []RuleLine        `json:"rules"`
	Changes           []Change          `json:"changes,omitempty"`
	Fixes             []string          `json:"fixes,omitempty"` // where no change of rule or room is the way out
	Looks             []string          `json:"looks,omitempty"` // commands that only read
}

// RuleLine is one rule with its operands and result. Number is 0 on a line
// that continues the one above.
type RuleLine struct {
	Number   int    `json:"number,omitempty"`
	Rule     string `json:"rule"`
	Operands string `json:"operands"`
	Result   string `json:"result,omitempty"` // pass, FAIL, -, no ...
	Failed   bool   `json:"failed,omitempty"`
}

// Change is one thing that alone would change the verdict, and what that would
// do to the number of nodes that should run the DaemonSet.
type Change struct {
	Where string `json:"where"` // template, node
	// Do is a command that is complete and safe to paste, or what to edit.
	Do string `json:"do"`
	// Effect is what the change does to the pair: should run, the pod would
	// come back, the pod would stay, the pod would fit.
	Effect string `json:"effect,omitempty"`
	From   int    `json:"shouldRunBefore"`
	To     int    `json:"shouldRunAfter"`
}

// NodeCoverageList is the report of kubectl ds-coverage nodes.
type NodeCoverageList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Source          ReportSource   `json:"source"`
	Items           []NodeCoverage `json:"items"`
}

// NodeCoverage is the verdicts seen from one node, and what DaemonSets cost it.
type NodeCoverage struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Ready             string          `json:"ready"` // True, False, Unknown
	Unschedulable     bool            `json:"unschedulable,omitempty"`
	Arch              string          `json:"arch,omitempty"`
	InstanceType      string          `json:"instanceType,omitempty"`
	Zone              string          `json:"zone,omitempty"`
	Pool              string          `json:"pool,omitempty"`
	Summary           Summary         `json:"summary"`
	DaemonSets        []NodeDaemonSet `json:"daemonSets"`
	Cost              NodeCost        `json:"cost"`
}

// NodeDaemonSet is one DaemonSet on the node.
type NodeDaemonSet struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	NodeVerdict
	// MilliCPU and Memory (bytes) are requested by its pods on the node; where
	// it should run and has none, what one would request.
	MilliCPU int64 `json:"milliCPU"`
	Memory   int64 `json:"memory"`
}

// NodeCost is what the pods of the DaemonSets in question, bound or pinned to
// a node, request of its allocatable. Pods that have ended hold nothing.
type NodeCost struct {
	Pods                 int   `json:"pods"`
	MilliCPU             int64 `json:"milliCPU"`
	Memory               int64 `json:"memory"`
	AllocatablePods      int64 `json:"allocatablePods"`
	AllocatableMilliCPU  int64 `json:"allocatableMilliCPU"`
	AllocatableMemory    int64 `json:"allocatableMemory"`
	LeftOutDaemonSetPods int   `json:"otherDaemonSetPods,omitempty"` // of DaemonSets outside the question
}

// DeepCopyObject implements runtime.Object.
func (e *Explanation) DeepCopyObject() runtime.Object {
	out := *e
	out.ObjectMeta = copyMeta(e.ObjectMeta)
	out.Source = e.Source.deepCopy()
	out.Rules = append([]RuleLine(nil), e.Rules...)
	out.Changes = append([]Change(nil), e.Changes...)
	return &out
}

// DeepCopyObject implements runtime.Object.
func (l *NodeCoverageList) DeepCopyObject() runtime.Object {
	out := *l
	out.Source = l.Source.deepCopy()
	out.Items = make([]NodeCoverage, len(l.Items))
	for i := range l.Items {
		out.Items[i] = *l.Items[i].DeepCopyObject().(*NodeCoverage)
	}
	return &out
}

// DeepCopyObject implements runtime.Object.
func (n *NodeCoverage) DeepCopyObject() runtime.Object {
	out := *n
	out.ObjectMeta = copyMeta(n.ObjectMeta)
	out.Summary = n.Summary.deepCopy()
	out.DaemonSets = append([]NodeDaemonSet(nil), n.DaemonSets...)
	return &out
}

func copyMeta(m metav1.ObjectMeta) metav1.ObjectMeta { return *m.DeepCopy() }

func (s ReportSource) deepCopy() ReportSource {
	s.TakenAt = s.TakenAt.DeepCopy()
	s.Incomplete = append([]IncompleteRead(nil), s.Incomplete...)
	return s
}
