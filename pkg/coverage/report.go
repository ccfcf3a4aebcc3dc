package coverage

import (
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Kinds of the report, in the API version snapshot.APIVersion.
const (
	KindList      = "DaemonSetCoverageList"
	KindDaemonSet = "DaemonSetCoverage"
)

// DaemonSetCoverageList is the report: what -o json prints, and what jsonpath
// and custom-columns see. Fields are added freely and never change silently.
type DaemonSetCoverageList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Source          ReportSource        `json:"source"`
	Condition       *Answer             `json:"condition,omitempty"` // where one was asked
	Summary         ListSummary         `json:"summary"`
	Items           []DaemonSetCoverage `json:"items"`
}

// ReportSource says what the report was made from.
type ReportSource struct {
	Context         string       `json:"context,omitempty"`
	Server          string       `json:"server,omitempty"`
	ServerVersion   string       `json:"serverVersion,omitempty"`
	TakenAt         *metav1.Time `json:"takenAt,omitempty"`
	TakenAtInferred bool         `json:"takenAtInferred,omitempty"`
	From            string       `json:"from,omitempty"`
	// Incomplete lists what could not be read; where it is not empty, counts
	// are lower bounds.
	Incomplete []IncompleteRead `json:"incomplete,omitempty"`
}

// IncompleteRead is one read that did not happen.
type IncompleteRead struct {
	Verb      string `json:"verb,omitempty"`
	Resource  string `json:"resource"`
	Namespace string `json:"namespace,omitempty"`
	Error     string `json:"error"`
	Remedy    string `json:"remedy,omitempty"`
}

// ListSummary sums up the whole report.
type ListSummary struct {
	DaemonSets int `json:"daemonSets"`
	LiveNodes  int `json:"liveNodes"` // those looked at; nodes counts pairs
	Summary    `json:",inline"`
}

// Summary counts verdicts: of one DaemonSet, or of all.
// nodes = covered + outdated + unready + missing + misplaced + excluded + unknown.
type Summary struct {
	Nodes     int `json:"nodes"` // in the whole report pairs of a DaemonSet and a node
	ShouldRun int `json:"shouldRun"`
	Covered   int `json:"covered"` // without outdated
	Outdated  int `json:"outdated"`
	Unready   int `json:"unready"`
	Missing   int `json:"missing"`
	Gaps      int `json:"gaps"` // unready + missing
	Misplaced int `json:"misplaced"`
	Excluded  int `json:"excluded"`
	Hidden    int `json:"hidden"`  // only transient taints exclude them
	Suspect   int `json:"suspect"` // excluded, and it looks unintended
	Unknown   int `json:"unknown"`
	// UnknownRevision counts those among unknown that have an available pod of a
	// revision that could not be told: covered or outdated, and no gap.
	UnknownRevision int `json:"unknownRevision,omitempty"`
	Settling        int `json:"settling"`
	// What is among them: shown, not counted by --fail-on.
	SettlingGaps      int `json:"settlingGaps,omitempty"`
	SettlingOutdated  int `json:"settlingOutdated,omitempty"`
	SettlingMisplaced int `json:"settlingMisplaced,omitempty"`
	SettlingHidden    int `json:"settlingHidden,omitempty"`
	// Coverage is (covered + outdated) / shouldRun in percent, cut and never
	// rounded up; null when nothing should run. A lower bound while unknown
	// is not 0.
	Coverage *float64 `json:"coverage"`
	Steady   Steady   `json:"steady"`
}

// Steady is the view with transient taints set aside.
type Steady struct {
	ShouldRun int      `json:"shouldRun"`
	Covered   int      `json:"covered"` // of those, with an available pod
	Coverage  *float64 `json:"coverage"`
}

// DaemonSetCoverage is the report on one DaemonSet.
type DaemonSetCoverage struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Revision          Revision      `json:"revision"`
	Strategy          string        `json:"updateStrategy,omitempty"`
	Summary           Summary       `json:"summary"`
	StatusDrift       []StatusDrift `json:"statusDrift,omitempty"`
	Findings          []Finding     `json:"findings,omitempty"`
	Nodes             []NodeVerdict `json:"nodes"`
}

// Revision is the current revision of a DaemonSet.
type Revision struct {
	Name   string `json:"name,omitempty"`
	Hash   string `json:"hash,omitempty"`
	Number int64  `json:"number,omitempty"`
	// Inferred is set where no ControllerRevision could be read and a pod's
	// labels stand for it.
	Inferred bool `json:"inferred,omitempty"`
}

// StatusDrift is one count of DaemonSet.status that differs from what the
// objects say.
type StatusDrift struct {
	Field      string `json:"field"`
	Reported   int64  `json:"reported"`
	Recomputed int64  `json:"recomputed"`
	Because    string `json:"because"`
}

// Finding concerns the DaemonSet as a whole, or pods without a live node.
type Finding struct {
	Reason   Reason   `json:"reason"`
	Severity Severity `json:"severity"`
	Message  string   `json:"message"`
	Remedy   string   `json:"remedy,omitempty"`
	Nodes    []string `json:"nodes,omitempty"`
	Evidence Evidence `json:"evidence,omitzero"`
	// Parked is set of NoMatchAnyNode where status says the same, and neither the
	// DaemonSet nor its template is younger than a day.
	Parked bool `json:"parked,omitempty"`
}

// NodeVerdict is the verdict on one node.
type NodeVerdict struct {
	Node         string       `json:"node"`
	State        State        `json:"state"`
	Reason       Reason       `json:"reason"`
	Message      string       `json:"message,omitempty"`
	Remedy       string       `json:"remedy,omitempty"`
	Suspect      bool         `json:"suspect,omitempty"`
	Settling     bool         `json:"settling,omitempty"`
	HiddenBy     []string     `json:"hiddenBy,omitempty"` // transient taints that alone keep the pod away
	Pod          string       `json:"pod,omitempty"`
	PodRevision  string       `json:"podRevision,omitempty"` // hash
	Restarts     int32        `json:"restarts,omitempty"`
	Since        *metav1.Time `json:"since,omitempty"`
	Evidence     Evidence     `json:"evidence,omitzero"`
	Contributing []Reason     `json:"contributing,omitempty"`
}

// DeepCopyObject implements runtime.Object.
func (l *DaemonSetCoverageList) DeepCopyObject() runtime.Object {
	out := *l
	out.Source.Incomplete = append([]IncompleteRead(nil), l.Source.Incomplete...)
	out.Source.TakenAt = l.Source.TakenAt.DeepCopy()
	out.Summary.Summary = l.Summary.deepCopy()
	out.Condition = l.Condition.deepCopy()
	out.Items = make([]DaemonSetCoverage, len(l.Items))
	for i := range l.Items {
		out.Items[i] = *l.Items[i].DeepCopyObject().(*DaemonSetCoverage)
	}
	return &out
}

// DeepCopyObject implements runtime.Object. Evidence is never written after
// it was made, and is shared.
func (d *DaemonSetCoverage) DeepCopyObject() runtime.Object {
	out := *d
	out.ObjectMeta = *d.ObjectMeta.DeepCopy()
	out.Summary = d.Summary.deepCopy()
	out.StatusDrift = append([]StatusDrift(nil), d.StatusDrift...)
	out.Findings = append([]Finding(nil), d.Findings...)
	out.Nodes = append([]NodeVerdict(nil), d.Nodes...)
	return &out
}

func (s Summary) deepCopy() Summary {
	if s.Coverage != nil {
		v := *s.Coverage
		s.Coverage = &v
	}
	if s.Steady.Coverage != nil {
		v := *s.Steady.Coverage
		s.Steady.Coverage = &v
	}
	return s
}

// objectMeta is what the report shows of a DaemonSet's metadata.
func objectMeta(d *appsv1.DaemonSet) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: d.Namespace, Name: d.Name, UID: d.UID,
		CreationTimestamp: d.CreationTimestamp, Labels: d.Labels,
	}
}
