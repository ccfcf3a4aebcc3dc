package rollout

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// SchemaVersion of a stored run.
const SchemaVersion = 1

// Run is what is stored of a rollout. Everything in it can only restrict what
// is done, except approvals, which are bound to run, target and wave; nothing
// in it is ever executed.
type Run struct {
	Version int `json:"version"`
	Identity
	Target Revision `json:"target"` // pinned; the zero value before it is known
	From   Revision `json:"from"`   // what most pods ran at the start
	// Change tells that the process that starts the run brings a new template.
	Change bool `json:"change,omitempty"`
	// Before is the template that the plan was made from; the zero value in a
	// run that an older version stored.
	Before Planned `json:"before,omitzero"`
	// Original is spec.updateStrategy.type before the run.
	Original string  `json:"original"`
	Policy   *Policy `json:"policy"` // without what gates run or ask
	// GatesSHA256 is of the gates as they were given: a resume brings the
	// same ones again.
	GatesSHA256 string `json:"gatesSHA256,omitempty"`
	// TemplateOwner is who owns the template beside us; undo and hold are
	// refused where it is set, since its next sync would take them back.
	TemplateOwner string `json:"templateOwner,omitempty"`

	Scope
	Progress
}

// Identity ties a run to one DaemonSet of one cluster.
type Identity struct {
	ClusterUID types.UID   `json:"clusterUID"`
	Namespace  string      `json:"namespace"`
	Name       string      `json:"name"`
	UID        types.UID   `json:"uid"` // of the DaemonSet
	ID         string      `json:"id"`
	Epoch      int64       `json:"epoch"` // leaseTransitions of the driver that wrote this
	By         string      `json:"by,omitempty"`
	Started    metav1.Time `json:"started"`
}

// Planned tells the template that a plan was made from.
type Planned struct {
	Sum        string `json:"sum,omitempty"`        // TemplateSum
	Generation int64  `json:"generation,omitempty"` // of the template; 0 where it is not kept
}

// Revision is a pinned ControllerRevision.
type Revision struct {
	Name   string `json:"name,omitempty"`
	Hash   string `json:"hash,omitempty"`
	Number int64  `json:"number,omitempty"`
	// Generation is the template generation when it was pinned: it tells of a
	// new template before there is a revision of it.
	Generation int64 `json:"generation,omitempty"`
}

// Member is one node of the scope.
type Member struct {
	Node string
	UID  string // as ShortUID gives it
}

// Scope is the nodes that should run the DaemonSet at the start, in the order
// of the plan.
type Scope struct {
	Members Members `json:"scope"`
	// Size is how many there were at the start: percentages are of it. An undo
	// adds nodes that have joined on the revision that it leaves.
	Size int `json:"size"`
	// Waves are ends of waves among the members. Members after the last one
	// count for the ceiling, and nothing is done to them.
	Waves []int `json:"waves"`
	// Late is the number of the wave of nodes that were lost at the start: it
	// is not waited for; 0 for none, else from 1.
	Late   int      `json:"late,omitempty"`
	Fenced []string `json:"fenced,omitempty"` // broken before, set aside by name
}

// Phase of a run.
type Phase string

// Phases. Paused was asked for; Stopped is a failure or a gate. Both can be
// resumed.
const (
	Arming    Phase = "Arming"    // until the target revision is pinned
	Running   Phase = "Running"   // towards the target
	Undoing   Phase = "Undoing"   // back to where it came from
	Paused    Phase = "Paused"    //
	Stopped   Phase = "Stopped"   //
	Aborting  Phase = "Aborting"  // lets what is in flight land, and cleans up
	Finishing Phase = "Finishing" // all nodes are settled, cleans up
	Ended     Phase = "Ended"     // only the Lease is left to delete
)

// Phases lists all phases, in the order of the documentation.
func Phases() []Phase {
	return []Phase{Arming, Running, Undoing, Paused, Stopped, Aborting, Finishing, Ended}
}

// Outcome is how a run ended.
type Outcome string

// Outcomes.
const (
	OutcomeDone    Outcome = "Done"
	OutcomeUndone  Outcome = "Undone"
	OutcomeAborted Outcome = "Aborted"
)

// Progress is what changes while a run proceeds.
type Progress struct {
	Phase   Phase   `json:"phase"`
	Because *Cause  `json:"because,omitempty"` // of Paused and Stopped
	Outcome Outcome `json:"outcome,omitempty"` // from Aborting and Finishing on
	// InFlight is written before the first destructive write on a node.
	InFlight []Flight `json:"inFlight,omitempty"`
	// Touched are members whose pod we set out to replace, in order.
	Touched []int `json:"touched,omitempty"`
	// Down are those of Touched without a ready pod when they were last begun:
	// that cost nothing, and they keep no zone open.
	Down      []int      `json:"down,omitempty"`
	Approvals []Approval `json:"approvals,omitempty"`
	Skipped   []string   `json:"skipped,omitempty"` // by a person
	Failed    []Failure  `json:"failed,omitempty"`
	Left      []Left     `json:"left,omitempty"` // what the end leaves behind, and why
	Rearms    int        `json:"rearms,omitempty"`
	Undo      *Undo      `json:"undo,omitempty"`
	Handled   []string   `json:"handled,omitempty"` // intents that were taken, the newest last
	Nodes     int        `json:"nodesDone,omitempty"`
}

// Flight is a node whose pod is being replaced. It holds its place until soak
// and gates are over.
type Flight struct {
	Node    string      `json:"node"`
	NodeUID types.UID   `json:"nodeUID"`
	Pod     string      `json:"pod,omitempty"` // the old pod
	PodUID  types.UID   `json:"podUID"`
	Wave    int         `json:"wave"` // from 1
	Started metav1.Time `json:"started"`
	Step    Step        `json:"step"`
	Cordon  bool        `json:"cordon,omitempty"` // the node is cordoned and marked first
	// Again is the pod that was there when the node was tried again.
	Again Again `json:"again,omitzero"`
}

// Again is a pod of the target that is proven once more: what it did before
// is not held against it.
type Again struct {
	PodUID   types.UID `json:"podUID"`
	Restarts int32     `json:"restarts,omitempty"`
}

// Step of a node in flight: what the run last stored of it. Where it stands
// is seen from the cluster.
type Step string

// Steps.
const (
	StepPrepare Step = "prepare" // cordon, jobs, drain
	StepReplace Step = "replace" // the old pod was seen to end
	StepProve   Step = "prove"   // soak and gates
)

// Approval lets a run go past one place.
type Approval struct {
	Run    string `json:"run"`
	Target string `json:"target"` // hash
	Wave   int    `json:"wave"`
	Node   string `json:"node,omitempty"` // with pauseAfter: node
	By     string `json:"by,omitempty"`
}

// Failure is a node that failed on the target revision.
type Failure struct {
	Node    string `json:"node"`
	Reason  string `json:"reason"`
	Message string `json:"message,omitempty"` // untrusted
}

// Left is what a run leaves behind on a node or on the DaemonSet, and why.
type Left struct {
	Node   string `json:"node,omitempty"`
	What   string `json:"what"` // OldPod, Cordon, Strategy, ...
	Reason string `json:"reason"`
}

// Undo is the way back.
type Undo struct {
	// TouchPods is false for hold: the template goes back, pods stay.
	TouchPods bool     `json:"touchPods,omitempty"`
	Away      Revision `json:"away"`             // the revision that is left
	Pinned    bool     `json:"pinned,omitempty"` // the template is back, and the target is pinned
	First     []string `json:"first,omitempty"`  // failing nodes
	// Aside are nodes that were skipped on the way there, or that joined since
	// the start: they are brought back as all others, and until that begins
	// they neither count nor are waited for.
	Aside []string `json:"aside,omitempty"`
	Asked bool     `json:"asked,omitempty"` // by a person, not by onFailure
}

// Cause says why a run rests or waits: on what, where, since when.
type Cause struct {
	Code    Code         `json:"code"`
	Node    string       `json:"node,omitempty"`
	Wave    int          `json:"wave,omitempty"`
	Gate    string       `json:"gate,omitempty"`
	Message string       `json:"message,omitempty"` // untrusted
	Since   *metav1.Time `json:"since,omitempty"`
}
