package status

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/kubernetes/pkg/controller/daemon"

	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
)

// TestAnEmptySelectorFreezesStatus runs the real controller in this process:
// an API server of today refuses an empty selector, and only an object stored
// long ago can have one.
func TestAnEmptySelectorFreezesStatus(t *testing.T) {
	d := &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "agent", UID: "agent", Generation: 1}}
	d.Spec.Selector = &metav1.LabelSelector{}
	d.Spec.Template.Labels = map[string]string{"app": "agent"}
	d.Status = appsv1.DaemonSetStatus{ObservedGeneration: 1, DesiredNumberScheduled: 3, CurrentNumberScheduled: 3, NumberReady: 3, NumberAvailable: 3, UpdatedNumberScheduled: 3}
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n1"}}
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "agent-1", UID: "pod", Labels: d.Spec.Template.Labels,
		OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(d, appsv1.SchemeGroupVersion.WithKind("DaemonSet"))}}}
	p.Spec.NodeName = n.Name
	client := fake.NewClientset(d, n, p)

	ctx, cancel := context.WithCancel(t.Context())
	factory := informers.NewSharedInformerFactory(client, 0)
	controller, err := daemon.NewDaemonSetsController(ctx, factory.Apps().V1().DaemonSets(), factory.Apps().V1().ControllerRevisions(),
		factory.Core().V1().Pods(), factory.Core().V1().Nodes(), client, flowcontrol.NewBackOff(time.Second, time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	factory.Start(ctx.Done())
	done := make(chan struct{})
	go func() { defer close(done); controller.Run(ctx, 1) }()
	t.Cleanup(func() { cancel(); <-done; factory.Shutdown() })
	eventually(t, time.Minute, func(ctx context.Context) error {
		events, err := client.CoreV1().Events("").List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, e := range events.Items {
			if e.Reason == daemon.SelectingAllReason {
				return nil
			}
		}
		return fmt.Errorf("no event %s", daemon.SelectingAllReason)
	})

	s, err := read(t.Context(), client, "default")
	if err != nil {
		t.Fatal(err)
	}
	r := coverage.Analyze(&s.Snapshot, coverage.Options{Now: time.Now()}).DaemonSets[0]
	if got := reported(s.DaemonSets[0]); got != reported(d) {
		t.Errorf("the controller wrote status %+v", got)
	}
	if want := (coverage.Counts{Desired: 1}); r.Counts != want {
		t.Errorf("the counts are %+v, want %+v: no pod is claimed by an empty selector", r.Counts, want)
	}
	if len(r.Drift) != 5 {
		t.Errorf("drift is %+v, want the five numbers that differ", r.Drift)
	}
	for _, x := range r.Drift {
		if !strings.Contains(x.Because, "the selector is empty") {
			t.Errorf("%s differs because %q", x.Field, x.Because)
		}
	}
}
