package rollout

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Look is what must be read again, past every cache, before an action: the
// driver puts it into the view and asks Decide once more, and executes only
// what is decided both times.
type Look struct {
	Node string // the node and the DaemonSet
	Pods bool   // and the DaemonSet's pods on the node
	All  bool   // everything
}

// Action is one write, or one gate to run, with the preconditions that make it
// safe: a server that refuses them answers with a conflict, and a conflict is
// a reason to look again, not an error.
type Action interface {
	// Key tells one action from another; two decisions with the same key ask
	// for the same thing.
	Key() string
	// Look is what to read again first; the zero value for nothing.
	Look() Look
}

// SaveRun writes the run into the Lease, by its resourceVersion. Intents are
// those that stay.
type SaveRun struct {
	Run             *Run
	Intents         []Intent
	ResourceVersion string
	Why             string // for the journal
}

// Arm sets updateStrategy OnDelete and ArmAnnotation in one patch, and the
// template, too, where the run brings one.
type Arm struct {
	UID             types.UID
	ResourceVersion string
	Armed           Armed
	Template        *corev1.PodTemplateSpec // nil: as it is
	Again           bool                    // somebody had taken it back
}

// HandBack gives the update strategy back and removes ArmAnnotation, in one
// patch. With an empty strategy only the annotation goes.
type HandBack struct {
	UID             types.UID
	ResourceVersion string
	Strategy        string
	Acknowledged    bool // a person accepts that old pods will be replaced
}

// PutBack makes the template that of an older revision. The strategy stays
// OnDelete: it is set again in the same patch.
type PutBack struct {
	UID             types.UID
	ResourceVersion string
	Revision        Revision
	// Data is ControllerRevision.data: a strategic merge patch of the
	// DaemonSet, as kubectl rollout undo applies it.
	Data []byte
}

// Cordon sets unschedulable and MarkAnnotation in one patch.
type Cordon struct {
	Node            string
	UID             types.UID
	ResourceVersion string
	Mark            Mark
}

// Uncordon sets unschedulable to what it was before and removes
// MarkAnnotation, in one patch.
type Uncordon struct {
	Node            string
	UID             types.UID
	ResourceVersion string
	Unschedulable   bool
}

// Evict asks for the eviction of one pod of a node that is drained.
type Evict struct {
	Namespace, Name string
	Node            string
	UID             types.UID
	GraceSeconds    *int64
}

// DeletePod deletes the DaemonSet's pod on a node.
type DeletePod struct {
	Namespace, Name string
	Node            string
	UID             types.UID
	ResourceVersion string
}

// RunGate asks a gate. The driver does not wait for it: it notes that the gate
// runs, and then its answer, in Observed.
type RunGate struct {
	Gate    string
	When    When
	Node    string
	Wave    int
	Attempt int // from 1
}

// CleanRevision removes the copy of ArmAnnotation from a ControllerRevision.
type CleanRevision struct {
	Name            string
	UID             types.UID
	ResourceVersion string
}

// DeleteLease is the last write of a run.
type DeleteLease struct {
	ResourceVersion string
}

// Key implements Action.
func (a *SaveRun) Key() string { return "save " + a.ResourceVersion }

// Key implements Action.
func (a *Arm) Key() string { return fmt.Sprintf("arm %s %s", a.UID, a.Armed) }

// Key implements Action.
func (a *HandBack) Key() string { return fmt.Sprintf("handback %s %s", a.UID, a.Strategy) }

// Key implements Action.
func (a *PutBack) Key() string { return fmt.Sprintf("putback %s %s", a.UID, a.Revision.Hash) }

// Key implements Action.
func (a *Cordon) Key() string { return fmt.Sprintf("cordon %s %s", a.UID, a.Mark) }

// Key implements Action.
func (a *Uncordon) Key() string { return fmt.Sprintf("uncordon %s %v", a.UID, a.Unschedulable) }

// Key implements Action.
func (a *Evict) Key() string { return "evict " + string(a.UID) }

// Key implements Action.
func (a *DeletePod) Key() string { return "delete " + string(a.UID) }

// Key implements Action.
func (a *RunGate) Key() string {
	return fmt.Sprintf("gate %s %s %s %d %d", a.Gate, a.When, a.Node, a.Wave, a.Attempt)
}

// Key implements Action.
func (a *CleanRevision) Key() string { return "clean " + string(a.UID) }

// Key implements Action.
func (a *DeleteLease) Key() string { return "delete lease " + a.ResourceVersion }

// Look implements Action: the Lease guards itself.
func (a *SaveRun) Look() Look { return Look{} }

// Look implements Action: the resourceVersion guards it, and whom a new
// template fits depends on every node.
func (a *Arm) Look() Look { return Look{All: a.Template != nil} }

// Look implements Action: it depends on every pod.
func (a *HandBack) Look() Look { return Look{All: true} }

// Look implements Action: whom the template fits depends on every node.
func (a *PutBack) Look() Look { return Look{All: true} }

// Look implements Action.
func (a *Cordon) Look() Look { return Look{Node: a.Node, Pods: true} }

// Look implements Action.
func (a *Uncordon) Look() Look { return Look{Node: a.Node, Pods: true} }

// Look implements Action.
func (a *Evict) Look() Look { return Look{Node: a.Node, Pods: true} }

// Look implements Action: of the pod its resourceVersion tells more than a
// reading could, since the server compares it in the same moment.
func (a *DeletePod) Look() Look { return Look{Node: a.Node} }

// Look implements Action.
func (a *RunGate) Look() Look { return Look{} }

// Look implements Action: the resourceVersion guards it.
func (a *CleanRevision) Look() Look { return Look{} }

// Look implements Action.
func (a *DeleteLease) Look() Look { return Look{} }
