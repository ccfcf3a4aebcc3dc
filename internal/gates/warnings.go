package gates

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// failedScheduling of a pod that has its node is about an attempt that is over.
// Where an API server goes away in the middle of one, the scheduler tells of it
// when the server is back, and the pod may be ready by then.
const failedScheduling = "FailedScheduling"

// warnings passes where there is no Warning event about the new pod since it
// became ready, and none about the node that was not there before, or has come
// again since. Probes fail while a pod starts, volumes are late, an image is
// pulled twice: what is over when the pod is ready says nothing. Without
// a baseline the events of the node that are there now become it.
func (r *Runner) warnings(ctx context.Context, q *Question) Answer {
	if q.Node == nil {
		return noNode()
	}
	pod := q.pod()
	if pod == nil {
		return hold("no new pod on the node")
	}
	about, err := r.cluster.WarningEvents(ctx, pod.Namespace, "Pod", pod.Name)
	if err != nil {
		return unread(ctx, err)
	}
	about = slices.DeleteFunc(about, func(e snapshot.Event) bool {
		return e.UID != "" && e.UID != pod.UID || pod.Ready && e.Last <= pod.ReadySince || e.Reason == failedScheduling
	})
	onNode, err := r.nodeEvents(ctx, q.Node.Node.Name)
	if err != nil {
		return unread(ctx, err)
	}
	b := r.noted(q.Node)
	late := ""
	fresh := newest(about)
	if b == nil || b.events == nil {
		late = without(q, nil)
		if b != nil {
			late = without(q, b.eventsErr)
		}
		r.noteEvents(q.Node, onNode)
	} else {
		maps.Copy(fresh, since(b.events, onNode))
	}
	if len(fresh) > 0 {
		return fail("%s: %s", count(len(fresh), "new Warning event"), some(wordsOf(fresh)))
	}
	if late != "" {
		return pass("no Warning event on the pod; those on the node not compared (%s)", late)
	}
	return pass("no new Warning event on the pod or the node")
}

// since are the events that are new or have come again.
func since(was, now map[eventKey]snapshot.Event) map[eventKey]snapshot.Event {
	out := map[eventKey]snapshot.Event{}
	for k, e := range now {
		if old, ok := was[k]; !ok || e.Count > old.Count || e.Last > old.Last {
			out[k] = e
		}
	}
	return out
}

func wordsOf(events map[eventKey]snapshot.Event) []string {
	list := slices.SortedFunc(maps.Values(events), func(a, b snapshot.Event) int {
		return cmp.Or(strings.Compare(b.Kind, a.Kind), // pods before nodes
			strings.Compare(a.Reason, b.Reason), strings.Compare(a.Message, b.Message))
	})
	var out []string
	for _, e := range list {
		words := strings.ToLower(e.Kind) + " " + e.Name + " " + e.Reason
		if e.Count > 1 {
			words += fmt.Sprintf(" x%d", e.Count)
		}
		out = append(out, words+" ("+short(clean(e.Message), 80)+")")
	}
	return out
}
