package rollout

import (
	"testing"
	"time"

	core "github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/test/faultproxy"
)

// sentBy is all that a run with a drain sends once it has begun.
var sentBy = []faultproxy.Rule{
	{Verb: "get", Path: "/leases/"},
	{Verb: "get", Path: "/daemonsets/"},
	{Verb: "get", Path: "/pods/"},
	{Verb: "get", Path: "/nodes/"},
	{Verb: "list", Path: "/pods"},
	{Verb: "list", Path: "/events"},
	{Verb: "create", Path: "/eviction"},
	{Verb: "create", Path: "/events"},
	{Verb: "update", Path: "/leases/"},
	{Verb: "patch", Path: "/daemonsets/"},
	{Verb: "patch", Path: "/nodes/"},
	{Verb: "patch", Path: "/controllerrevisions/"},
	{Verb: "delete", Path: "/pods/"},
	{Verb: "delete", Path: "/leases/"},
}

// TestEveryVerbBreaks lets each kind of request meet each fault at least once,
// in one run with all that a run can do.
func TestEveryVerbBreaks(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]faultproxy.Fault{
		"the answer is lost after the commit": faultproxy.DropAnswer{},
		"the request is lost":                 faultproxy.DropRequest{},
		"429 with Retry-After":                faultproxy.Answer{Code: 429, RetryAfter: "1"},
		"503":                                 faultproxy.Answer{Code: 503},
		"500":                                 faultproxy.Answer{Code: 500},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 4, worldOptions{})
			w.web(t, 3, nil)
			w.budget(t, "web", 1)
			proxy, _ := w.proxied(t, 1)
			first := proxy.Add(faultproxy.Rule{Verb: "create", Path: "/leases", Count: 1, Fault: fault})
			p := w.start(t, "start", fast(newImage, "--drain", "--soak", "3s", "--gate-retries", "1", "--gate-interval", "1s")...)
			p.until(t, "a node to be in flight", is(core.EventNodeStarted))
			added := make([]*faultproxy.Handle, len(sentBy))
			for i, r := range sentBy {
				r.Count, r.Fault = 1, fault
				added[i] = proxy.Add(r)
			}
			p.wait(t, 0)
			if first.Hits() == 0 {
				t.Error("the lease was made without the fault")
			}
			for i, h := range added {
				if h.Hits() == 0 {
					t.Errorf("%s %s has met no fault", sentBy[i].Verb, sentBy[i].Path)
				}
			}
			w.all(t, newImage, 4)
			w.judge(t, verdict{budget: 2, soak: 3 * time.Second, slack: 5 * time.Second})
			w.nothingLeft(t)
		})
	}
}

// TestWhatPeopleAskGetsThrough breaks what is between a terminal and the
// server, and nothing between the server and the driver.
func TestWhatPeopleAskGetsThrough(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]faultproxy.Fault{
		"the answer is lost after the commit": faultproxy.DropAnswer{},
		"409":                                 faultproxy.Answer{Code: 409},
		"503":                                 faultproxy.Answer{Code: 503},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 5, worldOptions{})
			p := w.start(t, "start", fast(newImage, "--waves", "1,100%", "--pause-after", "canary")...)
			p.until(t, "a pod to be ready", is(core.EventPodReady))
			proxy, _ := w.proxied(t, 1)
			ask := func(verb string, code int) {
				t.Helper()
				rule := proxy.Add(faultproxy.Rule{Verb: "update", Path: "/leases/", Count: 1, Fault: fault})
				w.run(t, code, verb)
				if rule.Hits() == 0 {
					t.Errorf("%s has met no fault", verb)
				}
			}
			ask("pause", 0)
			p.wait(t, 4)
			w.run(t, 4, "resume") // to the approval
			ask("approve", 0)
			if got := w.stored(t); got.Phase != core.Paused {
				t.Errorf("after the approval the run is %s", got.Phase)
			}
			ask("resume", 0)
			w.all(t, newImage, 5)
			w.judge(t, twoAtATime)
			w.nothingLeft(t)
		})
	}
}
