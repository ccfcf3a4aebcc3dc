package drive

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

func retryAfter(err error) time.Duration { return kube.RetryAfter(err, 0) }

// event tells the watcher, and leaves a trace in the cluster where a phase
// begins, for whoever asks later who did that.
func (d *driver) event(e rollout.Event) {
	d.Watcher.Event(e)
	kind, ok := recorded[e.Type]
	if !ok {
		return
	}
	at := metav1.NewTime(e.At)
	obj := &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: d.run.Namespace, Name: fmt.Sprintf("%s.%x", d.run.Name, e.At.UnixNano())},
		InvolvedObject: corev1.ObjectReference{
			APIVersion: "apps/v1", Kind: "DaemonSet", Namespace: d.run.Namespace, Name: d.run.Name, UID: d.run.UID,
		},
		Type: kind, Reason: "Rollout" + string(e.Type), Message: d.words(e), Count: 1, FirstTimestamp: at, LastTimestamp: at,
		Source: corev1.EventSource{Component: kube.UserAgent}, ReportingController: "kubectl-ds.github.io/rollout", ReportingInstance: kube.UserAgent,
	}
	select {
	case d.events <- obj:
	default: // a server that slow does not hold a rollout up
	}
}

// lastWords is how long the end of driving waits for events to be recorded.
const lastWords = 3 * time.Second

// record writes events beside the loop, in order, and returns what ends that.
// They are help for people: whoever may not write them drives all the same.
func (d *driver) record(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for e := range d.events {
			one, end := context.WithTimeout(ctx, requestTimeout)
			_ = d.Writer.Event(one, e)
			end()
		}
	}()
	return func() {
		close(d.events)
		t := time.AfterFunc(lastWords, cancel)
		<-done
		t.Stop()
		cancel()
	}
}

// recorded are the events that a cluster remembers, and their type.
var recorded = map[rollout.EventType]string{
	rollout.EventStarted: corev1.EventTypeNormal, rollout.EventResumed: corev1.EventTypeNormal,
	rollout.EventPaused: corev1.EventTypeNormal, rollout.EventStopped: corev1.EventTypeWarning,
	rollout.EventUndoing: corev1.EventTypeWarning, rollout.EventAborting: corev1.EventTypeWarning,
	rollout.EventDone: corev1.EventTypeNormal, rollout.EventUndone: corev1.EventTypeWarning,
	rollout.EventAborted: corev1.EventTypeWarning,
}

func (d *driver) words(e rollout.Event) string {
	out := fmt.Sprintf("run %s by %s", e.Run, d.run.By)
	if e.Total > 0 {
		out += fmt.Sprintf(": %d of %d nodes", e.Done, e.Total)
	}
	if e.Code != "" {
		out += ", " + string(e.Code)
	}
	if e.Node != "" {
		out += " on " + e.Node
	}
	return out
}
