package coverage

import (
	"strings"
	"testing"
)

// FuzzScheduler holds that text from a cluster cannot break the parser, and
// that every reason is the scheduler's own words.
func FuzzScheduler(f *testing.F) {
	for _, s := range []string{
		"",
		"0/",
		"0/3 nodes are available: ",
		"0/3 nodes are available: 99999999999999999999999 Insufficient cpu.",
		"0/3 nodes are available: 0 Insufficient cpu, 3 node(s) didn't match node selector.",
		"0/36 nodes are available: 1 Insufficient cpu, 35 node(s) didn't satisfy plugin(s) [NodeAffinity]. preemption: 0/36 nodes are available: 1 No preemption victims found for incoming pod, 35 Preemption is not helpful for scheduling.",
		"0/3 nodes are available: 1 Too many pods, 2 node is filtered out by the prefilter result. no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never.",
		`0/3 nodes are available: persistentvolumeclaim "data" not found. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.`,
		"0/2 nodes are available: 1 node(s) had taint {dedicated: , 3 }, that the pod didn't tolerate.",
		"0/3 nodes are available: 1 node(s) didn't satisfy plugin(s) []. preemption: preemption: ",
		"0/3 nodes are available: . . , 1 , 2 \x00\xff",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, message string) {
		w := parseScheduler(message)
		if !w.parsed && (w.elsewhere || len(w.reasons)+len(w.preemption) > 0) {
			t.Fatalf("%q: an answer without the known form: %+v", message, w)
		}
		if w.parsed && w.elsewhere != (len(w.reasons) == 0) {
			t.Fatalf("%q: elsewhere %v with reasons %q", message, w.elsewhere, w.reasons)
		}
		for _, r := range append(append([]string{}, w.reasons...), w.preemption...) {
			if r == "" || !strings.Contains(message, r) {
				t.Fatalf("%q: reason %q is not in the message", message, r)
			}
			if isOtherNodes(r) {
				t.Fatalf("%q: reason %q is of other nodes", message, r)
			}
			inRegistry(t, classifyScheduler(r), Unready)
		}
	})
}

// FuzzCreate holds that every message gives a reason that the state Missing
// allows.
func FuzzCreate(f *testing.F) {
	for _, s := range []string{
		"",
		`Error creating: pods "falco-" is forbidden: violates PodSecurity "baseline:latest": privileged`,
		`Error creating: pods "a-" is forbidden: exceeded quota: q, requested: pods=1, used: pods=5, limited: pods=5`,
		`Error creating: insufficient quota to match these scopes: [{PriorityClass In [system-node-critical]}]`,
		`Error creating: admission webhook "x.example" denied the request: no`,
		`Error creating: Internal error occurred: failed calling webhook "x": connection refused`,
		`Error creating: pods "a-" is forbidden: error looking up service account ops/agent: serviceaccount "agent" not found`,
		`Error creating: Pod "a-x" is invalid: spec.containers[0].image: Required value`,
		`Error creating: etcdserver: request timed out`,
		"\x00\xff is invalid:",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, message string) {
		r := classifyCreate(message)
		inRegistry(t, r, Missing)
		// What is known of a message stays known inside a longer one.
		if r != CreateFailed && classifyCreate("Error creating: "+message+"\n") == CreateFailed {
			t.Fatalf("%q: %s is lost inside a longer message", message, r)
		}
	})
}

func inRegistry(t *testing.T, r Reason, s State) {
	t.Helper()
	row, ok := Lookup(r)
	if !ok {
		t.Fatalf("reason %q is not in the registry", r)
	}
	for _, allowed := range row.States {
		if allowed == s {
			return
		}
	}
	t.Fatalf("reason %s does not allow state %s", r, s)
}
