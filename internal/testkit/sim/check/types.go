package check

import (
	"fmt"
	"time"
)

// Write is one write that the server committed, or one answer of a gate.
type Write struct {
	RV    int64 // order
	At    time.Time
	Sent  time.Time // when it was decided, where that is known to be earlier
	Actor string
	Ours  bool // by a driver of the rollout
	// Verb is create, update, patch, delete, evict, or remove: the object
	// ended by itself. Of a gate it is its answer.
	Verb            string
	Kind            string // Pod, Node, DaemonSet, ControllerRevision, Lease, Gate
	Namespace, Name string
	PreconditionUID string
	PreconditionRV  string
	DryRun          bool
	Pre, Post       *Object // nil: not there
	GateNode        string  // of a gate
}

// Object is what the invariants read of an object.
type Object struct {
	UID         string
	Labels      map[string]string
	Annotations map[string]string

	Pod       *Pod
	Node      *Node
	DaemonSet *DaemonSet
	Revision  *Revision
	Lease     *Lease
}

// Pod of any owner.
type Pod struct {
	Node     string // bound to, else pinned to
	OwnerUID string
	Ready    bool
	Deleted  bool // has a deletionTimestamp
	Terminal bool
	Restarts int
	// Job and Stays are of other pods: one that is waited for, and one that
	// keeps its node from being drained.
	Job, Stays bool
}

// Node is what a node says.
type Node struct {
	Unschedulable bool
	Ready         string // True, False, Unknown
	Taints        []Taint
}

// Taint of a node.
type Taint struct{ Key, Value, Effect string }

// Toleration of a template.
type Toleration struct{ Key, Operator, Value, Effect string }

// DaemonSet is what the one under test says.
type DaemonSet struct {
	Strategy     string
	Template     string // anything that differs between different templates
	NodeSelector map[string]string
	Tolerations  []Toleration // of the template
	Deleted      bool
}

// Revision is a ControllerRevision.
type Revision struct {
	OwnerUID string
	Number   int64
	Hash     string
	Template string // as in DaemonSet
}

// Lease is the lock, and the run in it as plain JSON.
type Lease struct {
	Holder   string
	Epoch    int64
	Renewed  time.Time // by the server's clock: when the holder last wrote
	Run      string
	Takeover bool // a person overrode a living driver
}

// History is everything that is judged.
type History struct {
	Writes               []Write
	Namespace, DaemonSet string
	Original             string // updateStrategy before
	// Planned is the template that the run was planned from, and Brings the one
	// that it brings, if any; both are empty where that is not known.
	Planned, Brings string
	Budget          int
	Soak            time.Duration
	LeaseDuration   time.Duration
	// Slack is how long the world may have changed without a driver being
	// able to know.
	Slack time.Duration
	// Looked is the same where it looks past its watches right before.
	Looked time.Duration
	// Ended is the outcome that the run reported: Done, Undone, Aborted; empty
	// where it did not end.
	Ended string
	// Reported is what the run says it leaves: node names, "" for the strategy.
	Reported map[string]bool
	// ByZone is set where one zone is finished before the next begins.
	ByZone bool
	// ByNode tells that Reported names every node, and Clean that the run ended
	// with exit code 0.
	ByNode, Clean bool
	// AllowNotReady and AckHandBack are what a person accepted.
	AllowNotReady bool
	AckHandBack   bool
	// HoldersAreActors is set where a Lease names its holder as writes name
	// their actor, so that writes of somebody who lost it can be told.
	HoldersAreActors bool
	// Gates by moment: names of those that must have passed.
	GatesBefore, GatesAfter []string
}

// Violation of an invariant.
type Violation struct {
	Rule  string
	Write int // index in Writes; -1 at the end
	Text  string
}

// String prints the violation.
func (v Violation) String() string { return fmt.Sprintf("%s at write %d: %s", v.Rule, v.Write, v.Text) }
