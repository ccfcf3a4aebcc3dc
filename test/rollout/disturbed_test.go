package rollout

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	core "github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/test/cluster/simnode"
	"github.com/kubectl-ds/kubectl-ds/test/faultproxy"
)

func TestATakeoverEndsALivingDriver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 6, worldOptions{})
	p := w.start(t, "start", fast(newImage)...)
	p.until(t, "a node to be in flight", is(core.EventNodeStarted))
	w.run(t, 0, "takeover")
	p.wait(t, 5)
	w.all(t, newImage, 6)
	v := twoAtATime
	v.mayTake = true
	w.judge(t, v)
	w.nothingLeft(t)
}

func TestACordonOfSomebodyElseStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 4, worldOptions{node: func(i int, n *simnode.Node) { n.Unschedulable = i == 2 }})
	w.run(t, 0, "start", fast(newImage, "--cordon")...)
	w.all(t, newImage, 4)
	w.judge(t, twoAtATime)
	w.nothingLeft(t)
}

// TestTheTransportBreaks lets a run meet what a network and a busy server do.
func TestTheTransportBreaks(t *testing.T) {
	t.Parallel()
	for name, rules := range map[string][]faultproxy.Rule{
		"answers are lost after the commit": {
			{Verb: "delete", Path: "/pods/", Skip: 1, Count: 2, Fault: faultproxy.DropAnswer{}},
			{Verb: "update", Path: "/leases/", Skip: 3, Count: 2, Fault: faultproxy.DropAnswer{}},
			{Verb: "patch", Path: "/daemonsets/", Count: 1, Fault: faultproxy.DropAnswer{}},
		},
		"the server is busy": {
			{Verb: "delete", Path: "/pods/", Count: 2, Fault: faultproxy.Answer{Code: 429, RetryAfter: "1"}},
			{Verb: "update", Path: "/leases/", Skip: 2, Count: 3, Fault: faultproxy.Answer{Code: 503}},
			{Verb: "get", Path: "/nodes/", Skip: 1, Count: 2, Fault: faultproxy.Answer{Code: 500}},
		},
		"watches are cut": {
			{Verb: "watch", Fault: faultproxy.CutWatch{After: 1500 * time.Millisecond, Abort: true}},
		},
		"watches lag": {
			{Verb: "watch", Fault: faultproxy.LagWatch{By: 1500 * time.Millisecond}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 6, worldOptions{})
			p, _ := w.proxied(t, 1)
			var added []*faultproxy.Handle
			for _, r := range rules {
				added = append(added, p.Add(r))
			}
			w.run(t, 0, "start", fast(newImage)...)
			for i, h := range added {
				if h.Hits() == 0 {
					t.Errorf("rule %d has met no request: %+v", i, rules[i])
				}
			}
			w.all(t, newImage, 6)
			w.judge(t, verdict{budget: 2, soak: 2 * time.Second, slack: 5 * time.Second})
			w.nothingLeft(t)
		})
	}
}

// TestTheAPIServerIsRestarted is alone: everybody else would notice.
func TestTheAPIServerIsRestarted(t *testing.T) {
	w := newWorld(t, 6, worldOptions{})
	p := w.start(t, "start", fast(newImage)...)
	p.until(t, "a pod to be deleted", is(core.EventPodDeleted))
	if err := shared.cluster.RestartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	pods, err := shared.client.CoreV1().Pods(w.name).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// The server that was killed may not have logged its last words.
	if err := shared.log.Observe(w.name, pods); err != nil {
		t.Fatal(err)
	}
	p.wait(t, 0)
	w.all(t, newImage, 6)
	w.judge(t, verdict{budget: 2, soak: 2 * time.Second, slack: 10 * time.Second})
	w.nothingLeft(t)
}
