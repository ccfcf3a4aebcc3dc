package rollout

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// KindPolicy is the kind of a policy file.
const KindPolicy = "RolloutPolicy"

// Policy says how a rollout proceeds. Its parts stand flat in the file.
type Policy struct {
	metav1.TypeMeta `json:",inline"`
	Pace            `json:",inline"`
	Selection       `json:",inline"`
	Timing          `json:",inline"`
	Failing         `json:",inline"`
	Acceptance      `json:",inline"`
	PerNode         `json:",inline"`
	// Gates are asked beside the one that every run has: available for the
	// soak without a restart.
	Gates []Gate `json:"gates,omitempty"`
}

// Pace is how many nodes at a time, and in which steps.
type Pace struct {
	// MaxUnavailable of the nodes that should run the DaemonSet, selected or
	// not, may be without an available pod or not yet proven: a number, or a
	// percentage of them, rounded up.
	MaxUnavailable *intstr.IntOrString `json:"maxUnavailable,omitempty"`
	// MaxParallel nodes may be in flight; 0 means as many as MaxUnavailable.
	MaxParallel int32 `json:"maxParallel,omitempty"`
	// Waves are cumulative; percentages are rounded up.
	Waves []intstr.IntOrString `json:"waves,omitempty"`
	// PauseAfter asks for an approval: none, wave, canary or node.
	PauseAfter PauseAfter `json:"pauseAfter,omitempty"`
}

// Selection is which nodes, and in which order.
type Selection struct {
	CanarySelector string   `json:"canarySelector,omitempty"` // a label selector; the first wave comes from these nodes
	CanarySpread   []string `json:"canarySpread,omitempty"`   // zone, arch or a label key
	// Order keys: zone, age, name, fewest-pods, label=KEY; a leading - turns
	// one round.
	Order          []string `json:"order,omitempty"`
	OneZoneAtATime *bool    `json:"oneZoneAtATime,omitempty"` // implied by a leading zone
	NodeSelector   string   `json:"nodeSelector,omitempty"`
	Nodes          []string `json:"nodes,omitempty"`
	ExcludeNodes   []string `json:"excludeNodes,omitempty"`
}

// Timing is how long.
type Timing struct {
	// Soak is how long a new pod must be available without a break and
	// without a restart; minReadySeconds counts where it is longer.
	Soak *metav1.Duration `json:"soak,omitempty"`
	// NodeTimeout is how long a node may take until its pod is available.
	NodeTimeout *metav1.Duration `json:"nodeTimeout,omitempty"`
	Timeout     *metav1.Duration `json:"timeout,omitempty"` // of the whole; none by default
	Until       *metav1.Time     `json:"until,omitempty"`   // then finish the nodes in flight and pause
	// Windows in which nodes may be started, as in
	// "Mon-Fri 09:00-17:00 Europe/Berlin".
	Windows []string `json:"windows,omitempty"`
}

// Failing is what happens when nodes fail.
type Failing struct {
	MaxFailures int32     `json:"maxFailures,omitempty"` // nodes that may fail before the run stops
	OnFailure   OnFailure `json:"onFailure,omitempty"`
	FenceBroken bool      `json:"fenceBroken,omitempty"` // leave nodes that were broken before out of the ceiling, by name
}

// Acceptance is what a person has to say yes to.
type Acceptance struct {
	AllowOwner []string `json:"allowOwner,omitempty"` // owners whose fields the run may change
	AcceptGap  bool     `json:"acceptGap,omitempty"`  // a surging DaemonSet is replaced with a gap
	// ActOnNotReady acts on nodes whose Ready is not True, too.
	ActOnNotReady bool `json:"actOnNotReady,omitempty"`
	// HandBack gives the strategy back although old pods remain, which the
	// built-in update will then replace at its own pace.
	HandBack bool `json:"handBack,omitempty"`
}

// PerNode is what happens around the replacement of a pod.
type PerNode struct {
	Cordon      bool         `json:"cordon,omitempty"`
	Drain       *Drain       `json:"drain,omitempty"` // implies cordon
	WaitForJobs *WaitForJobs `json:"waitForJobs,omitempty"`
}

// Drain has the meanings of kubectl drain's flags. Pods of DaemonSets and
// mirror pods are always left alone, and PodDisruptionBudgets respected.
type Drain struct {
	GracePeriodSeconds *int32           `json:"gracePeriodSeconds,omitempty"` // nil or negative: the pod's own
	Timeout            *metav1.Duration `json:"timeout,omitempty"`            // 0 or absent: the node's timeout
	DeleteEmptyDirData bool             `json:"deleteEmptyDirData,omitempty"`
	Force              bool             `json:"force,omitempty"`       // evict pods without a controller, which nobody replaces
	PodSelector        string           `json:"podSelector,omitempty"` // evict only these
}

// WaitForJobs holds a node until none of these pods runs on it.
type WaitForJobs struct {
	Selector string           `json:"selector"`
	Timeout  *metav1.Duration `json:"timeout,omitempty"` // 0 or absent: the node's timeout
}

// When a gate is asked.
type When string

// Moments of a gate.
const (
	BeforeWave When = "beforeWave"
	BeforeNode When = "beforeNode"
	AfterNode  When = "afterNode"
)

// Gate is a condition outside the snapshot. Exactly one of the probes is set.
type Gate struct {
	Name     string           `json:"name"`
	When     When             `json:"when"`
	Timeout  *metav1.Duration `json:"timeout,omitempty"`  // of one attempt
	Retries  int32            `json:"retries,omitempty"`  // after the first attempt; hold is asked again without using one up
	Interval *metav1.Duration `json:"interval,omitempty"` // between attempts
	// OwnPod marks a gate about the pod that is to be replaced: it is not
	// asked before a node whose pod is already down.
	OwnPod bool `json:"ownPod,omitempty"`

	Probe `json:",inline"`
}

// Probe is what a gate looks at. The commands in it are never stored.
type Probe struct {
	Exec      []string    `json:"exec,omitempty"`
	HTTP      string      `json:"http,omitempty"` // a URL
	PromQL    *PromQL     `json:"promql,omitempty"`
	CEL       string      `json:"cel,omitempty"`
	Pods      string      `json:"pods,omitempty"`      // a label selector; these pods of the node are ready
	DaemonSet string      `json:"daemonSet,omitempty"` // namespace/name; its pod on the node is available
	Builtin   BuiltinGate `json:"builtin,omitempty"`
}

// PromQL is a query that must return something for the gate to pass.
type PromQL struct {
	URL   string `json:"url"`
	Query string `json:"query"`
}

// BuiltinGate is a gate that needs no operand.
type BuiltinGate string

// Built-in gates.
const (
	GateCollateral BuiltinGate = "collateral" // other pods of the node did not get worse
	GateWarnings   BuiltinGate = "events"     // no new Warning events on the pod or node
	GateConditions BuiltinGate = "conditions" // no condition of the node got worse
)

// PauseAfter is where a run asks for an approval.
type PauseAfter string

// Places of an approval.
const (
	PauseNone   PauseAfter = "none"
	PauseWave   PauseAfter = "wave"
	PauseCanary PauseAfter = "canary"
	PauseNode   PauseAfter = "node"
)

// OnFailure is what a run does when more nodes fail than may.
type OnFailure string

// What to do on failure.
const (
	FailPause OnFailure = "pause" // stop and wait for a person
	FailHold  OnFailure = "hold"  // put the old template back, touch no pod
	FailUndo  OnFailure = "undo"  // and bring the touched nodes back
	FailAbort OnFailure = "abort" // end the run, keep the template
)
