package coverage

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// Evidence keeps the operands of a verdict, never only prose. Which fields
// are set depends on the reason. Text in it comes from the cluster and is
// untrusted.
type Evidence struct {
	Taints       []TaintEvidence       `json:"taints,omitempty"`       // untolerated, all of them
	Requirements []RequirementEvidence `json:"requirements,omitempty"` // that do not hold
	Pool         *PoolEvidence         `json:"pool,omitempty"`
	Container    *ContainerEvidence    `json:"container,omitempty"`
	Event        *EventEvidence        `json:"event,omitempty"`
	Scheduler    *SchedulerEvidence    `json:"scheduler,omitempty"`
	Room         *Room                 `json:"room,omitempty"`
	Condition    *ConditionEvidence    `json:"condition,omitempty"` // of the node
	Drift        []string              `json:"drift,omitempty"`     // what admission added to the pod
	Claims       []string              `json:"claims,omitempty"`    // that the scheduler waits for in silence
	Finalizers   []string              `json:"finalizers,omitempty"`
	Pods         []string              `json:"pods,omitempty"` // others that take part, namespace/name
	GraceEnds    *metav1.Time          `json:"graceEnds,omitempty"`
	AvailableAt  *metav1.Time          `json:"availableAt,omitempty"`
	Unread       string                `json:"unread,omitempty"` // the read that failed
	Churn        *ChurnEvidence        `json:"churn,omitempty"`  // pods that failed here before
	Selector     string                `json:"selector,omitempty"`
	Rollout      *RolloutEvidence      `json:"rollout,omitempty"` // that holds the DaemonSet
}

// TaintEvidence is a taint that keeps the pod away.
type TaintEvidence struct {
	Key    string `json:"key"`
	Value  string `json:"value,omitempty"`
	Effect string `json:"effect"`
	Class  string `json:"class,omitempty"` // of a transient one: arriving, broken, leaving, declared
}

// String prints the taint as kubectl taint takes it.
func (t TaintEvidence) String() string {
	if t.Value == "" {
		return t.Key + ":" + t.Effect
	}
	return t.Key + "=" + t.Value + ":" + t.Effect
}

// RequirementEvidence is a condition on labels that does not hold.
type RequirementEvidence struct {
	Requirement string `json:"requirement"`    // as in key=value
	Term        int    `json:"term,omitempty"` // of node affinity, from 1; 0 for nodeSelector
	NodeValue   string `json:"nodeValue,omitempty"`
	NodeHas     bool   `json:"nodeHas"`
	Hint        string `json:"hint,omitempty"` // a near miss
	Error       string `json:"error,omitempty"`
}

// PoolEvidence compares the node with its siblings.
type PoolEvidence struct {
	Label    string `json:"label"`    // key=value
	Matching int    `json:"matching"` // siblings that the rules select
	Nodes    int    `json:"nodes"`    // of the pool
}

// ContainerEvidence is the container that keeps a pod from being ready.
type ContainerEvidence struct {
	Name       string       `json:"name"`
	Init       bool         `json:"init,omitempty"`
	Image      string       `json:"image,omitempty"`
	Reason     string       `json:"reason,omitempty"` // of waiting or terminated
	Message    string       `json:"message,omitempty"`
	ExitCode   *int32       `json:"exitCode,omitempty"` // of the last termination
	Signal     int32        `json:"signal,omitempty"`
	LastReason string       `json:"lastReason,omitempty"` // of the last termination: OOMKilled, Error
	LastWords  string       `json:"lastWords,omitempty"`  // its termination message
	FinishedAt *metav1.Time `json:"finishedAt,omitempty"`
	Restarts   int32        `json:"restarts,omitempty"`
	Probe      string       `json:"probe,omitempty"` // startup, readiness, liveness
}

// EventEvidence is an event that explains the verdict.
type EventEvidence struct {
	Object  string       `json:"object"` // Kind/name
	Reason  string       `json:"reason"`
	Message string       `json:"message"`
	Count   int32        `json:"count,omitempty"`
	Last    *metav1.Time `json:"last,omitempty"`
}

// SchedulerEvidence is the scheduler's word on the target node alone.
type SchedulerEvidence struct {
	Reasons []string     `json:"reasons,omitempty"` // of the target node
	Message string       `json:"message,omitempty"` // the whole
	Since   *metav1.Time `json:"since,omitempty"`
}

// ChurnEvidence counts pods of the DaemonSet that failed on the node and were
// replaced, as far back as events go.
type ChurnEvidence struct {
	Failed int32        `json:"failed"`
	Last   *metav1.Time `json:"last,omitempty"`
}

// ConditionEvidence is a condition of the node.
type ConditionEvidence struct {
	Type    string       `json:"type"`
	Status  string       `json:"status"`
	Reason  string       `json:"reason,omitempty"`
	Message string       `json:"message,omitempty"`
	Since   *metav1.Time `json:"since,omitempty"`
}

// Room is our own arithmetic on the target node: what the pod asks, what is
// free, who holds the rest. All figures are of this node.
type Room struct {
	Resources []ResourceRoom `json:"resources"`
	Priority  int32          `json:"priority"` // of the pod
	// LowestPriority is the lowest among the holders.
	LowestPriority *int32 `json:"lowestPriority,omitempty"`
	// Preemption says whether evicting pods of lower priority would make
	// room: possible, no victims, not enough, never; under way where the
	// scheduler has nominated the pod to the node, and there is room or pods
	// that are ending make it.
	Preemption string `json:"preemption,omitempty"`
	// Victims are the pods that it would evict; where it is under way, those of
	// lower priority that are ending and make room.
	Victims *Victims `json:"victims,omitempty"`
	// Critical says what the highest priority class would do for a pod of a
	// lower one.
	Critical *Critical `json:"critical,omitempty"`
	Holders  []Holder  `json:"holders,omitempty"` // largest first, by what is short
	// Nominated are pods of no lower priority that wait: the scheduler keeps
	// room on the node for them.
	Nominated []Holder     `json:"nominated,omitempty"`
	HostPorts []PortHolder `json:"hostPorts,omitempty"`
	// NotExamined is set where the pods of the node were not read: there are
	// no figures of it.
	NotExamined bool `json:"notExamined,omitempty"`
	// LikeNode names, of a node that was not examined, one that was: it has the
	// same allocatable and the same message, and figures of its own.
	LikeNode string `json:"likeNode,omitempty"`

	bound   []*snapshot.Pod // live, without the pod itself
	partial bool            // the least of several nodes, of which not all were examined
}

// Victims are the pods that preemption would evict, as the default scheduler
// chooses them where no PodDisruptionBudget makes it spare another one.
type Victims struct {
	Count int      `json:"count"`
	Pods  []Holder `json:"pods"` // the largest of them, by what is short
	// Stranded are owners of victims that have no other place than this node:
	// "DaemonSet monitoring/node-exporter", or a static pod.
	Stranded []string `json:"stranded,omitempty"`
	// Bare are victims without a controller: nothing makes them again.
	Bare []string `json:"bare,omitempty"` // namespace/name
	// Overdue are victims that are deleted already, and should have ended long
	// ago: to evict them makes no room.
	Overdue []string `json:"overdue,omitempty"` // namespace/name

	short []ResourceRoom
}

// Critical is what priorityClassName: system-node-critical would do.
type Critical struct {
	Preemption string   `json:"preemption"` // as Room.Preemption
	Victims    *Victims `json:"victims,omitempty"`
}

// ResourceRoom is one resource on the node: quantities in milli-units for
// cpu, in units for all others.
type ResourceRoom struct {
	Name        string `json:"name"`
	Asks        int64  `json:"asks"`
	Allocatable int64  `json:"allocatable"`
	Bound       int64  `json:"bound"`              // requested by pods bound to the node
	Reserved    int64  `json:"reserved,omitempty"` // by pods nominated to it
	Free        int64  `json:"free"`
	Short       bool   `json:"short,omitempty"`
	// Unlisted is set where the node has none of it by its own account: a
	// DeviceClass may stand for it, and only the scheduler can tell.
	Unlisted bool `json:"unlisted,omitempty"`
}

// Holder is a pod that holds room on the node.
type Holder struct {
	Pod              string           `json:"pod"`             // namespace/name
	Owner            string           `json:"owner,omitempty"` // Kind/name of the controlling owner
	DaemonSet        bool             `json:"daemonSet,omitempty"`
	Priority         int32            `json:"priority"`
	MilliCPU         int64            `json:"milliCPU,omitempty"`
	Memory           int64            `json:"memory,omitempty"`           // bytes
	EphemeralStorage int64            `json:"ephemeralStorage,omitempty"` // bytes
	Extended         map[string]int64 `json:"extended,omitempty"`         // of other resources, by name
}

// PortHolder is a pod that holds a host port which the pod asks.
type PortHolder struct {
	Port  string `json:"port"` // 9100/TCP
	Pod   string `json:"pod"`
	Owner string `json:"owner,omitempty"` // Kind/name of its controlling owner
}
