package snapshot

import (
	"cmp"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Event is what verdicts need of a Warning event.
type Event struct {
	Namespace string
	Kind      string // of the object: Pod, DaemonSet, Node
	Name      string
	UID       types.UID
	FieldPath string // spec.containers{name}, spec.initContainers{name}
	Reason    string
	Message   string // untrusted text
	Count     int32
	Last      Time // newest occurrence
}

// EventOf makes the record of e. An event of the series API has no count and
// no last timestamp of its own; the series holds them.
func (in *Interner) EventOf(e *corev1.Event) Event {
	out := Event{
		Namespace: in.String(e.InvolvedObject.Namespace),
		Kind:      in.String(e.InvolvedObject.Kind),
		Name:      strings.Clone(e.InvolvedObject.Name),
		UID:       types.UID(strings.Clone(string(e.InvolvedObject.UID))),
		FieldPath: in.String(e.InvolvedObject.FieldPath),
		Reason:    in.String(e.Reason),
		Message:   in.String(e.Message),
		Count:     max(e.Count, 1),
		Last:      TimeOf(&e.LastTimestamp),
	}
	if e.Series != nil {
		out.Count = max(out.Count, e.Series.Count)
		out.Last = max(out.Last, Time(e.Series.LastObservedTime.Unix()))
	}
	if out.Last == 0 && !e.EventTime.IsZero() {
		out.Last = Time(e.EventTime.Unix())
	}
	if out.Last == 0 {
		out.Last = TimeOf(&e.CreationTimestamp)
	}
	return out
}

func compareEvents(a, b Event) int {
	return cmp.Or(
		strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Kind, b.Kind),
		strings.Compare(a.Name, b.Name), strings.Compare(string(a.UID), string(b.UID)),
		cmp.Compare(a.Last, b.Last), strings.Compare(a.Reason, b.Reason), strings.Compare(a.Message, b.Message),
		cmp.Compare(a.Count, b.Count), strings.Compare(a.FieldPath, b.FieldPath))
}
