package check

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

var t0 = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

// story builds a history by hand: three nodes, a DaemonSet that goes from h1
// to h2, and a run that has n0 in flight.
type story struct {
	brokenBefore bool // n1, where its zone matters
	h            History
	at           time.Time
}

func newStory() *story {
	s := &story{at: t0, h: History{Namespace: "ns", DaemonSet: "ds", Original: "RollingUpdate", Budget: 1, Soak: 10 * time.Second, LeaseDuration: 15 * time.Second, Slack: 3 * time.Second, Looked: time.Second}}
	s.ds("OnDelete", true)
	s.add(Write{Kind: "ControllerRevision", Name: "r2", Post: &Object{UID: "r2", Revision: &Revision{OwnerUID: "ds", Number: 2, Hash: "h2", Template: "v2"}}})
	for i := range 3 {
		s.node(i, false, "", "True")
		s.pod(i, "h1", true)
	}
	s.after(time.Minute)
	s.run(`"phase":"Running"`)
	s.run(`"phase":"Running","inFlight":[{"node":"n0","nodeUID":"uid-n0","wave":1,"podUID":"p-n0-h1"}]`)
	return s
}

func (s *story) after(d time.Duration) { s.at = s.at.Add(d) }

func (s *story) add(w Write) {
	w.At, w.RV = s.at, int64(len(s.h.Writes)+1)
	for i := len(s.h.Writes) - 1; i >= 0; i-- {
		if o := &s.h.Writes[i]; o.Kind == w.Kind && o.Name == w.Name {
			w.Pre = o.Post
			break
		}
	}
	s.h.Writes = append(s.h.Writes, w)
}

func (s *story) ds(strategy string, armed bool) {
	a := map[string]string{}
	if armed {
		a[armKey] = `{"run":"r1","original":"RollingUpdate"}`
	}
	s.add(Write{Kind: "DaemonSet", Name: "ds", Ours: true, PreconditionRV: "1", Post: &Object{UID: "ds", Annotations: a, DaemonSet: &DaemonSet{Strategy: strategy, Template: "v2"}}})
}

// brings is a write of ours that changes the template.
func (s *story) brings(id string, selector map[string]string, tolerations ...Toleration) {
	s.add(Write{Kind: "DaemonSet", Name: "ds", Ours: true, PreconditionRV: "1", Post: &Object{
		UID: "ds", Annotations: map[string]string{armKey: `{"run":"r1","original":"RollingUpdate"}`},
		DaemonSet: &DaemonSet{Strategy: "OnDelete", Template: id, NodeSelector: selector, Tolerations: tolerations},
	}})
}

func (s *story) node(i int, cordoned bool, mark, ready string, taints ...Taint) {
	a := map[string]string{}
	if mark != "" {
		a[markKey] = mark
	}
	name := fmt.Sprintf("n%d", i)
	s.add(Write{Kind: "Node", Name: name, Ours: true, PreconditionRV: "1", Post: &Object{UID: "uid-" + name, Annotations: a, Node: &Node{Unschedulable: cordoned, Ready: ready, Taints: taints}}})
}

func (s *story) pod(i int, hash string, ready bool) {
	node := fmt.Sprintf("n%d", i)
	s.add(Write{Kind: "Pod", Namespace: "ns", Name: "p-" + node + "-" + hash, Post: &Object{
		UID: "p-" + node + "-" + hash, Labels: map[string]string{hashKey: hash}, Pod: &Pod{Node: node, OwnerUID: "ds", Ready: ready},
	}})
}

func (s *story) delete(i int, hash, uid string) {
	node := fmt.Sprintf("n%d", i)
	s.add(Write{Kind: "Pod", Verb: "delete", Ours: true, Namespace: "ns", Name: "p-" + node + "-" + hash, PreconditionUID: uid, Post: &Object{
		UID: "p-" + node + "-" + hash, Labels: map[string]string{hashKey: hash}, Pod: &Pod{Node: node, OwnerUID: "ds", Ready: true, Deleted: true},
	}})
}

// other puts a pod of somebody else on a node.
func (s *story) other(name string, p *Pod) {
	s.add(Write{Kind: "Pod", Namespace: "web", Name: name, Post: &Object{UID: name, Pod: p}})
}

func (s *story) evict(name string) {
	s.add(Write{Kind: "Pod", Verb: "evict", Ours: true, Namespace: "web", Name: name, PreconditionUID: name, Post: &Object{UID: name, Pod: &Pod{Node: "n0", Deleted: true}}})
}

func (s *story) gone(i int, hash string) {
	s.add(Write{Kind: "Pod", Verb: "remove", Namespace: "ns", Name: fmt.Sprintf("p-n%d-%s", i, hash)})
}

func (s *story) run(progress string) {
	s.lease("a", 1, `{"id":"r1","target":{"hash":"h2"},"scope":"n0/uid-n0 n1/uid-n1 n2/uid-n2","waves":[1,3],`+progress+`}`)
}

func (s *story) lease(holder string, epoch int64, run string) {
	s.add(Write{Kind: "Lease", Name: "l", Ours: true, Post: &Object{UID: "l", Lease: &Lease{Holder: holder, Epoch: epoch, Renewed: s.at, Run: run}}})
}

// secondZone begins n0, of a zone, after n1 of zone a has failed.
func (s *story) secondZone(zone string) {
	s.h.ByZone, s.h.Budget = true, 2
	for i, z := range []string{zone, "a"} {
		s.node(i, false, "", "True")
		s.h.Writes[len(s.h.Writes)-1].Post.Labels = map[string]string{zoneKey: z}
	}
	s.run(`"phase":"Running"`)
	begin := func() {
		s.run(`"phase":"Running","inFlight":[{"node":"n1","nodeUID":"uid-n1","wave":1,"podUID":"p-n1-h1"}]`)
	}
	if !s.brokenBefore {
		begin()
	}
	s.pod(1, "h1", false)
	if s.brokenBefore {
		begin()
	}
	s.run(`"phase":"Running","failed":[{"node":"n1"}]`)
	s.after(time.Minute)
	s.run(`"phase":"Running","failed":[{"node":"n1"}],"inFlight":[{"node":"n0","nodeUID":"uid-n0","wave":1,"podUID":"p-n0-h1"}]`)
	s.delete(0, "h1", "p-n0-h1")
}

// ended is the end of a run that has replaced all pods but that of n1, which is
// old where it is up.
func (s *story) ended(named, clean, up bool) {
	for i := range 3 {
		if i != 1 || !up {
			s.gone(i, "h1")
			s.pod(i, "h2", i != 1)
		}
	}
	s.after(time.Minute)
	s.h.Ended, s.h.ByNode, s.h.Clean, s.h.Reported = "Done", true, clean, map[string]bool{"": true, "n1": named}
	s.run(`"phase":"Ended"`)
	s.add(Write{Kind: "Lease", Name: "l", Ours: true})
}

// later begins n1, of the second wave, with n0 not in flight any more.
func (s *story) later(progress string) {
	s.after(time.Minute)
	s.run(`"phase":"Running"`)
	s.run(progress + `"phase":"Running","inFlight":[{"node":"n1","nodeUID":"uid-n1","wave":2,"podUID":"p-n1-h1"}]`)
	s.delete(1, "h1", "p-n1-h1")
}

// replaced is n0 with its new pod, available for a while.
func (s *story) replaced(soaked time.Duration) {
	s.delete(0, "h1", "p-n0-h1")
	s.gone(0, "h1")
	s.pod(0, "h2", true)
	s.after(soaked)
}

func TestTheCheckerBites(t *testing.T) {
	mark := `{"run":"r1","epoch":1,"prior":false}`
	cases := []struct {
		name string
		tell func(s *story)
		want string // rule; empty for none
	}{
		{"a node that is replaced, soaks and lands", func(s *story) { s.replaced(11 * time.Second); s.run(`"phase":"Running"`) }, ""},
		{"a delete without the uid", func(s *story) { s.delete(0, "h1", "") }, "G2"},
		{"a delete with the uid of another pod", func(s *story) { s.delete(0, "h1", "other") }, "G2"},
		{"a delete on a node that is not in flight", func(s *story) { s.delete(1, "h1", "p-n1-h1") }, "G2"},
		{"a delete of a pod of the target", func(s *story) { s.replaced(11 * time.Second); s.delete(0, "h2", "p-n0-h2") }, "G2"},
		{"a delete over the ceiling", func(s *story) { s.pod(1, "h1", false); s.after(time.Minute); s.delete(0, "h1", "p-n0-h1") }, "G1"},
		{"a delete in a second zone beside a failed node", func(s *story) { s.secondZone("b") }, "zone"},
		{"a delete in a second zone beside a node that was down before and failed", func(s *story) { s.brokenBefore = true; s.secondZone("b") }, ""},
		{"a delete in its own zone beside a failed node", func(s *story) { s.secondZone("a") }, ""},
		{"a delete while another broke a moment ago", func(s *story) { s.pod(1, "h1", false); s.after(time.Second); s.delete(0, "h1", "p-n0-h1") }, ""},
		{"a delete where the pod would not come back", func(s *story) {
			s.node(0, false, "", "True", Taint{Key: "x", Effect: "NoSchedule"})
			s.after(time.Minute)
			s.delete(0, "h1", "p-n0-h1")
		}, "eligibility"},
		{"a delete on a node that is not Ready", func(s *story) { s.node(0, false, "", "False"); s.after(time.Minute); s.delete(0, "h1", "p-n0-h1") }, "notReady"},
		{"a delete in a pause", func(s *story) {
			s.run(`"phase":"Paused","inFlight":[{"node":"n0","nodeUID":"uid-n0","wave":1}]`)
			s.delete(0, "h1", "p-n0-h1")
		}, "G10"},
		{"a node that lands before it soaked", func(s *story) { s.replaced(5 * time.Second); s.run(`"phase":"Running"`) }, "G7"},
		{"a node that lands before its old pod is gone", func(s *story) {
			s.delete(0, "h1", "p-n0-h1")
			s.pod(0, "h2", true)
			s.after(time.Minute)
			s.run(`"phase":"Running"`)
		}, "G7"},
		{"a node of a later wave that begins too early", func(s *story) {
			s.run(`"phase":"Running","inFlight":[{"node":"n0","nodeUID":"uid-n0","wave":1},{"node":"n1","nodeUID":"uid-n1","wave":2}]`)
			s.h.Budget = 3
			s.delete(1, "h1", "p-n1-h1")
		}, "G7"},
		{"a later wave while nobody has seen the target", func(s *story) { s.later(``) }, "no node of the first"},
		{"a later wave that a person let begin", func(s *story) { s.later(`"approvals":[{"wave":1}],`) }, ""},
		{"a later wave after an approval of another place", func(s *story) { s.later(`"approvals":[{"wave":1,"node":"n0"},{"wave":2}],`) }, "no node of the first"},
		{"a later wave after the first was skipped", func(s *story) { s.later(`"skipped":["n0"],`) }, ""},
		{"a later wave after the first runs the target", func(s *story) { s.gone(0, "h1"); s.pod(0, "h2", true); s.later(``) }, ""},
		{"a delete beside a job", func(s *story) {
			s.other("job", &Pod{Node: "n0", Job: true})
			s.after(time.Minute)
			s.delete(0, "h1", "p-n0-h1")
		}, "jobs"},
		{"a delete beside a job that came a moment ago", func(s *story) { s.other("job", &Pod{Node: "n0", Job: true}); s.delete(0, "h1", "p-n0-h1") }, ""},
		{"an eviction", func(s *story) { s.node(0, true, mark, "True"); s.other("web", &Pod{Node: "n0"}); s.evict("web") }, ""},
		{"an eviction beside a pod that refuses", func(s *story) {
			s.node(0, true, mark, "True")
			s.other("web", &Pod{Node: "n0"})
			s.other("data", &Pod{Node: "n0", Stays: true})
			s.after(time.Minute)
			s.evict("web")
		}, "drain"},
		{"a cordon without a mark", func(s *story) { s.node(0, true, "", "True") }, "G3"},
		{"a cordon with its mark, and back", func(s *story) { s.node(0, true, mark, "True"); s.node(0, false, "", "True") }, ""},
		{"an uncordon of what was cordoned before", func(s *story) {
			s.node(0, true, `{"run":"r1","epoch":1,"prior":true}`, "True")
			s.node(0, false, "", "True")
		}, "G3"},
		{"an uncordon of what another run cordoned", func(s *story) { s.node(0, true, `{"run":"r2","epoch":1}`, "True"); s.node(0, false, "", "True") }, "G3"},
		{"a mark of an older driver", func(s *story) { s.node(0, true, `{"run":"r1","epoch":2}`, "True"); s.node(0, true, mark, "True") }, "G5"},
		{"a Lease that is taken from a living driver", func(s *story) { s.after(5 * time.Second); s.lease("b", 2, "") }, "G5"},
		{"a Lease that is taken from a dead driver", func(s *story) { s.after(time.Minute); s.lease("b", 2, "") }, ""},
		{"a strategy that is given back over old pods", func(s *story) { s.ds("RollingUpdate", false) }, "G6"},
		{"a strategy that is given back as another one", func(s *story) { s.h.Original = "OnDelete"; s.h.AckHandBack = true; s.ds("RollingUpdate", false) }, "G6"},
		{"a template that fits every node", func(s *story) { s.brings("v3", nil) }, ""},
		{"a template that no node is for", func(s *story) { s.brings("v3", map[string]string{"pool": "a"}) }, "fit"},
		{"a template that does not tolerate what ends pods", func(s *story) {
			s.brings("v3", nil, Toleration{Operator: "Exists"})
			s.node(0, false, "", "True", Taint{Key: "x", Effect: "NoExecute"})
			s.after(time.Minute)
			s.brings("v4", nil)
		}, "fit"},
		{"a template that does not tolerate what came a moment ago", func(s *story) {
			s.brings("v3", nil, Toleration{Operator: "Exists"})
			s.node(0, false, "", "True", Taint{Key: "x", Effect: "NoExecute"})
			s.after(time.Second)
			s.brings("v4", nil)
		}, ""},
		{"a template that keeps new pods away", func(s *story) {
			s.brings("v3", nil, Toleration{Operator: "Exists"})
			s.node(0, false, "", "True", Taint{Key: "x", Effect: "NoSchedule"})
			s.after(time.Minute)
			s.brings("v4", nil)
		}, ""},
		{"a template that came after the plan and is taken back", func(s *story) { s.h.Planned = "v1"; s.run(`"phase":"Arming"`); s.brings("v3", nil) }, "plan"},
		{"a template that the plan was made from", func(s *story) { s.h.Planned = "v2"; s.run(`"phase":"Arming"`); s.brings("v3", nil) }, ""},
		{"a target that was not planned", func(s *story) {
			s.h.Planned = "v1"
			s.lease("a", 1, `{"id":"r1","phase":"Arming"}`)
			s.run(`"phase":"Running"`)
		}, "plan"},
		{"a target that a person has seen", func(s *story) {
			s.h.Planned = "v1"
			s.lease("a", 1, `{"id":"r1","phase":"Paused"}`)
			s.run(`"phase":"Running"`)
		}, ""},
		{"a target that is brought", func(s *story) {
			s.h.Planned, s.h.Brings = "v1", "v2"
			s.lease("a", 1, `{"id":"r1","phase":"Arming"}`)
			s.run(`"phase":"Running"`)
		}, ""},
		{"a mark that stays at the end", func(s *story) { s.node(0, true, mark, "True"); s.h.Ended = "Done" }, "G4"},
		{"an end that names a node without an available pod", func(s *story) { s.ended(true, false, false) }, ""},
		{"an end that does not name it", func(s *story) { s.ended(false, false, false) }, "named"},
		{"an end that names it and is called a clean one", func(s *story) { s.ended(true, true, false) }, "clean"},
		{"an end that does not name an old pod", func(s *story) { s.ended(false, true, true) }, "named"},
		{"a Lease that stays at the end", func(s *story) { s.h.Ended = "Done"; s.h.Reported = map[string]bool{"": true} }, "G4"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newStory()
			c.tell(s)
			var got []string
			for _, v := range Check(&s.h) {
				got = append(got, v.String())
			}
			switch {
			case c.want == "" && len(got) > 0:
				t.Errorf("it is well, and the checker says %v", got)
			case c.want != "" && (len(got) == 0 || !strings.Contains(strings.Join(got, "\n"), c.want)):
				t.Errorf("want %s, the checker says %v", c.want, got)
			}
		})
	}
}
