package rollout

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Intent is what another terminal asks of a run. The driver acts on it.
type Intent struct {
	ID     string      `json:"id"`
	Run    string      `json:"run"`
	Target string      `json:"target,omitempty"` // hash; approve is bound to it
	Verb   Verb        `json:"verb"`
	Node   string      `json:"node,omitempty"`   // of skip and retry
	Wave   int         `json:"wave,omitempty"`   // of approve
	Leaves bool        `json:"leaves,omitempty"` // of pause: the driver was interrupted, and goes
	By     string      `json:"by,omitempty"`
	At     metav1.Time `json:"at"`
}

type intentList struct {
	Version int      `json:"version"`
	Intents []Intent `json:"intents"`
}

// maxIntents is how many may wait. More is not somebody who types.
const maxIntents = 64

// EncodeIntents writes intents.
func EncodeIntents(list []Intent) ([]byte, error) {
	if len(list) > maxIntents {
		return nil, fmt.Errorf("%d intents wait already: is the driver alive?", maxIntents)
	}
	return json.Marshal(intentList{Version: SchemaVersion, Intents: list})
}

// DecodeIntents reads intents, strictly; no data is no intents.
func DecodeIntents(data []byte) ([]Intent, error) {
	if len(data) == 0 {
		return nil, nil
	}
	var head struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("stored intents: %w", err)
	}
	if head.Version > SchemaVersion {
		return nil, &NewerVersionError{Version: head.Version}
	}
	var l intentList
	if err := strict(data, &l); err != nil {
		return nil, fmt.Errorf("stored intents: %w", err)
	}
	if len(l.Intents) > maxIntents {
		return nil, fmt.Errorf("stored intents: %d are more than %d", len(l.Intents), maxIntents)
	}
	return l.Intents, nil
}

// AwaitsApproval is the place where the run waits for an approval; nil where it
// waits for none.
func (r *Run) AwaitsApproval() *Cause {
	if r.Phase == Paused && r.Because != nil && r.Because.Code == PauseApproval {
		return r.Because
	}
	return nil
}

// Refuses says why the run does not take what is asked; empty where it does.
// Beyond the table of phases, an approval is one of the very place where the
// run waits, and only what has failed is tried again.
func (r *Run) Refuses(in Intent) string {
	if e := effectOf(r.Phase, in.Verb); !e.Allowed {
		return e.Because
	}
	switch in.Verb {
	case VerbApprove:
		switch c := r.AwaitsApproval(); {
		case c == nil:
			return notAwaited
		case in.Wave != c.Wave:
			return fmt.Sprintf("it waits for the approval of wave %d, not of wave %d", c.Wave, in.Wave)
		case in.Node != c.Node && c.Node == "":
			return "it waits for the approval of a wave, not of a node"
		case in.Node != c.Node:
			return "it waits for the approval of node " + c.Node
		}
	case VerbRetry:
		if !r.failed(in.Node) {
			return "node " + in.Node + " has not failed"
		}
	default:
	}
	return ""
}

// keepHandled is how many ids of taken intents a run remembers, so that one
// that is read again is not taken twice.
const keepHandled = 16

// take applies intents to a run, which it changes. It reports whether there
// were any. One that does not fit the run, its target or its phase is dropped:
// the command that wrote it has said so by the same table.
func (r *Run) take(intents []Intent, v *View, now time.Time) bool {
	took := false
	for _, in := range intents {
		if slices.Contains(r.Handled, in.ID) {
			continue
		}
		took = true
		r.Handled = append(r.Handled, in.ID)
		if n := len(r.Handled) - keepHandled; n > 0 {
			r.Handled = slices.Delete(r.Handled, 0, n)
		}
		if in.Run == r.ID && r.Refuses(in) == "" {
			r.apply(in, v, now)
		}
	}
	return took
}

func (r *Run) apply(in Intent, v *View, now time.Time) {
	at := in.At
	switch in.Verb {
	case VerbPause:
		r.Phase, r.Because = Paused, &Cause{Code: PauseAsked, Message: in.By, Since: &at}
		if in.Leaves {
			r.Because.Code = PauseLeft
		}
	case VerbResume:
		r.resume()
	case VerbApprove:
		r.approve(in)
	case VerbSkip:
		if r.knows(in.Node) && !slices.Contains(r.Skipped, in.Node) {
			r.Skipped = append(r.Skipped, in.Node)
		}
		r.unfail(in.Node)
		r.land(in.Node)
	case VerbRetry:
		r.retry(in.Node, v, now)
	case VerbUndo:
		if r.Target.Hash != "" { // else nothing has been set out for
			r.beginUndo(true, true)
		}
	case VerbAbort:
		r.Phase, r.Because, r.Outcome = Aborting, nil, OutcomeAborted
	case VerbTakeover: // is done by taking the Lease
	}
}

// approve lets the run go past a wave, or a node. An approval of another
// target is not one of this.
func (r *Run) approve(in Intent) {
	if in.Target == "" || in.Target != r.Target.Hash {
		return
	}
	r.Approvals = append(r.Approvals, Approval{Run: r.ID, Target: in.Target, Wave: in.Wave, Node: in.Node, By: in.By})
	r.resume()
}

// resume goes on where the run was.
func (r *Run) resume() {
	r.Because = nil
	switch {
	case r.Target.Hash == "":
		r.Phase = Arming
	case r.Undo != nil && r.Undo.TouchPods:
		r.Phase = Undoing
	default:
		r.Phase = Running
	}
}

// retry gives a failed node another time: its pod is proven once more. The
// pod is not deleted, since it is of the target revision already, and the
// kubelet restarts it.
func (r *Run) retry(node string, v *View, now time.Time) {
	i := r.index(node)
	if i < 0 || !r.failed(node) {
		return
	}
	r.unfail(node)
	n := v.member(r.Members[i])
	if n == nil || r.flight(node) != nil {
		return
	}
	wave := r.wave(i)
	if r.Undo != nil {
		wave = len(r.Waves) + 1
	}
	f := Flight{
		Node: node, NodeUID: n.Node.UID, Wave: wave, Step: StepProve,
		Started: metav1.NewTime(now.UTC().Truncate(time.Second)), Cordon: n.Mark.ours(r.ID),
	}
	for _, p := range n.Pods {
		if live(p) && p.Labels[hashLabel] == r.Target.Hash {
			f.Again = Again{PodUID: p.UID, Restarts: p.Restarts}
		}
	}
	r.InFlight = append(r.InFlight, f)
}

func (r *Run) unfail(node string) {
	r.Failed = slices.DeleteFunc(r.Failed, func(f Failure) bool { return f.Node == node })
}

// fail notes failures, each node once.
func (r *Run) fail(failures []Failure) {
	for _, f := range failures {
		r.land(f.Node)
		r.unfail(f.Node)
		r.Failed = append(r.Failed, f)
	}
}

// land takes a node out of flight.
func (r *Run) land(node string) {
	r.InFlight = slices.DeleteFunc(r.InFlight, func(f Flight) bool { return f.Node == node })
}

// aside reports whether the way back has not begun with a node that was
// skipped, or joined, before it.
func (r *Run) aside(node string) bool { return r.Undo != nil && slices.Contains(r.Undo.Aside, node) }

func (r *Run) flight(node string) *Flight {
	for i := range r.InFlight {
		if r.InFlight[i].Node == node {
			return &r.InFlight[i]
		}
	}
	return nil
}

func (r *Run) failed(node string) bool { return r.failure(node) != nil }

func (r *Run) knows(node string) bool { return r.index(node) >= 0 }

// has reports whether a node is a member, and not a namesake of one.
func (r *Run) has(n *NodeView) bool {
	return slices.Contains(r.Members, Member{Node: n.Node.Name, UID: ShortUID(n.Node.UID)})
}

// index of a member, -1 for none.
func (r *Run) index(node string) int {
	return slices.IndexFunc(r.Members, func(m Member) bool { return m.Node == node })
}

// wave of a member, from 1; 0 for one that nothing is done to.
func (r *Run) wave(member int) int {
	for w, end := range r.Waves {
		if member < end {
			return w + 1
		}
	}
	return 0
}

// approved reports whether the run may go past a wave.
func (r *Run) approved(wave int) bool {
	return slices.ContainsFunc(r.Approvals, func(a Approval) bool {
		return a.Run == r.ID && a.Target == r.Target.Hash && a.Wave == wave && a.Node == ""
	})
}

// approvedNode reports whether the run may go past a node.
func (r *Run) approvedNode(node string) bool {
	return slices.ContainsFunc(r.Approvals, func(a Approval) bool {
		return a.Run == r.ID && a.Target == r.Target.Hash && a.Node == node
	})
}

// beginUndo turns the run round. With touchPods false only the template goes
// back, and the run stops there.
func (r *Run) beginUndo(touchPods, asked bool) {
	if r.Undo == nil {
		r.Undo = &Undo{Away: r.Target}
	}
	if touchPods && !r.Undo.TouchPods {
		// After a hold the template is back, and not yet the target.
		r.Undo.TouchPods, r.Undo.Pinned = true, false
		// Who skipped a node wanted no more of what is taken back.
		r.Undo.Aside, r.Skipped = r.Skipped, nil
	}
	r.Undo.Asked = r.Undo.Asked || asked
	for _, f := range r.Failed {
		if !slices.Contains(r.Undo.First, f.Node) {
			r.Undo.First = append(r.Undo.First, f.Node)
		}
	}
	if r.Undo.TouchPods {
		r.Phase, r.Because = Undoing, nil
	}
}
