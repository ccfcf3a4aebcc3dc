package sim

import (
	"math/rand/v2"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// Random is the world of a seed: every other one is calm but for crashes and
// transport, and has to end well.
func Random(seed uint64) *World {
	r := rand.New(rand.NewPCG(seed, 0x5eed))
	w := &World{
		Seed: seed, Nodes: 2 + r.IntN(6), OnDelete: r.IntN(3) == 0, Change: r.IntN(2) == 0,
		HandArmed: r.IntN(3) == 0, Exists: r.IntN(4) == 0, Calm: seed%2 == 0,
	}
	w.Policy = randomPolicy(r, w)
	w.Behave = func(node, template string) behaviour {
		return behaviour{start: 3*time.Second + time.Duration(len(node)+int(node[2]))%7*time.Second}
	}
	if r.IntN(2) == 0 {
		w.Faults = faults{dropped: r.IntN(12), refused: r.IntN(10), conflict: r.IntN(10), stale: r.IntN(60), deafness: r.IntN(60)}
	}
	if r.IntN(3) == 0 {
		w.Faults.crash = r.IntN(60)
	}
	if r.IntN(3) == 0 {
		w.CrashAt = 1 + r.IntN(30)
	}
	if r.IntN(4) == 0 {
		w.Faults.pause = r.IntN(20)
	}
	if r.IntN(4) == 0 {
		w.MinReady = int32(r.IntN(20))
	}
	w.Rival = r.IntN(4) == 0
	w.Skew = time.Duration(r.IntN(1200)-600) * time.Second
	w.Person = person(r, w)
	if !w.Calm {
		misbehave(r, w)
		brokenBefore(r, w)
		w.Chaos = randomChaos(r, w)
		templates(rand.New(rand.NewPCG(seed, 0xf175)), w)
	}
	return w
}

// templates makes worlds in which the template of the run, or the one that it
// would put back, fits fewer nodes, and those in which somebody changes it
// between the plan and the start.
func templates(r *rand.Rand, w *World) {
	soon := func() time.Duration { return time.Duration(r.IntN(100)) * time.Millisecond }
	if r.IntN(4) == 0 {
		w.Chaos = append(w.Chaos, chaos{at: soon(), name: "template v3 before the start", do: func(s *Sim) { setTemplate(s, "v3") }})
	}
	if w.Exists || r.IntN(2) > 0 {
		return
	}
	w.Narrow = narrow{on: true, old: r.IntN(3) == 0, selector: r.IntN(2) == 0}
	n := NodeName(r.IntN(w.Nodes))
	at := soon()
	switch k := r.IntN(6); {
	case k == 0:
		w.Retired = n
		return
	case w.Narrow.old || k == 1: // for a way back
		at = time.Duration(r.IntN(300)) * time.Second
	}
	w.Chaos = append(w.Chaos, chaos{at: at, name: "retire " + n, do: func(s *Sim) { s.retire(n, w.Narrow) }})
}

func randomPolicy(r *rand.Rand, w *World) *rollout.Policy {
	p := &rollout.Policy{}
	n := intstr.FromInt32(int32(1 + r.IntN(3)))
	p.MaxUnavailable = &n
	p.Soak = &metav1.Duration{Duration: time.Duration(5+r.IntN(25)) * time.Second}
	p.NodeTimeout = &metav1.Duration{Duration: 2 * time.Minute}
	switch r.IntN(4) {
	case 0:
		p.Waves = []intstr.IntOrString{intstr.FromInt32(1), intstr.FromString("50%"), intstr.FromString("100%")}
	case 1:
		p.Waves = []intstr.IntOrString{intstr.FromString("100%")}
	}
	p.PauseAfter = []rollout.PauseAfter{"", rollout.PauseWave, rollout.PauseCanary, rollout.PauseNode, "", ""}[r.IntN(6)]
	if r.IntN(3) == 0 {
		p.Order = [][]string{{"zone", "-age"}, {"name"}, {"-name"}, {"label=kubernetes.io/hostname"}}[r.IntN(4)]
	}
	if r.IntN(2) == 0 {
		p.Cordon = true
	}
	if r.IntN(3) == 0 {
		p.Drain = &rollout.Drain{DeleteEmptyDirData: true}
		w.Workloads = 1 + r.IntN(2)
		if r.IntN(2) == 0 {
			// Nodes that are drained at once can hold each other up.
			w.Budget, w.Calm = max(1, w.Workloads*w.Nodes-1-r.IntN(2)), false
		}
		if r.IntN(4) == 0 {
			w.Data, w.Calm, p.Drain.DeleteEmptyDirData = true, false, false
		}
	}
	if r.IntN(4) == 0 {
		p.WaitForJobs = &rollout.WaitForJobs{Selector: "app=" + jobs}
		w.Jobs, p.Cordon = true, p.Cordon || r.IntN(2) == 0
	}
	for i, when := range []rollout.When{rollout.BeforeNode, rollout.AfterNode, rollout.BeforeWave} {
		if r.IntN(3) == 0 {
			p.Gates = append(p.Gates, rollout.Gate{
				Name: string(rune('a' + i)), When: when, Retries: int32(r.IntN(3)), Probe: rollout.Probe{CEL: "true"},
				Interval: &metav1.Duration{Duration: 5 * time.Second},
			})
		}
	}
	if r.IntN(4) == 0 && n.IntVal > 1 {
		p.MaxFailures = 1
	}
	if rand.New(rand.NewPCG(w.Seed, 0x20e)).IntN(4) == 0 { // by itself, so that the rest of a world stays
		yes := true
		p.OneZoneAtATime = &yes
	}
	p.OnFailure = []rollout.OnFailure{"", "", rollout.FailUndo, rollout.FailHold, rollout.FailAbort}[r.IntN(5)]
	return p
}

// person answers approvals, and in a world that is not calm what comes to
// mind.
func person(r *rand.Rand, w *World) func(*Sim, end) {
	return func(s *Sim, e end) {
		var because rollout.Cause
		if e.wait != nil {
			because = e.wait.Because[0]
		} else {
			because = e.stop.Because
		}
		switch because.Code {
		case rollout.PauseApproval:
			s.rests-- // this is how it is meant
			s.ask(rollout.Intent{Verb: rollout.VerbApprove, Wave: because.Wave, Node: because.Node})
		case rollout.StopChange:
			s.w.Calm = false // nobody can bring the change any more
			s.ask(rollout.Intent{Verb: rollout.VerbAbort})
		default:
			verbs := []rollout.Verb{rollout.VerbResume, rollout.VerbResume, rollout.VerbRetry, rollout.VerbSkip, rollout.VerbUndo, rollout.VerbAbort}
			v := verbs[r.IntN(len(verbs))]
			if w.Calm {
				v = rollout.VerbResume
			}
			s.ask(rollout.Intent{Verb: v, Node: because.Node})
			if v == rollout.VerbRetry || v == rollout.VerbSkip {
				s.ask(rollout.Intent{Verb: rollout.VerbResume})
			}
			if v == rollout.VerbSkip && r.IntN(2) == 0 { // and thinks better of it
				s.after(time.Duration(1+r.IntN(60))*time.Second, func() { s.ask(rollout.Intent{Verb: rollout.VerbUndo}) })
			}
		}
	}
}

// misbehave lets pods of v2 fail on some node, and gates say no.
func misbehave(r *rand.Rand, w *World) {
	bad := NodeName(r.IntN(w.Nodes))
	kind, all := r.IntN(7), r.IntN(6) == 0
	well := w.Behave
	w.Behave = func(node, template string) behaviour {
		b := well(node, template)
		if template != "v2" || node != bad && !all {
			return b
		}
		switch kind {
		case 0:
			b.never = true
		case 1:
			b.crash = 5 * time.Second
		case 2:
			b.flaps = 3
		case 3:
			b.start = 90 * time.Second
		case 4:
			b.flaps = 1000
		case 5:
			b.later = 45 * time.Second
		}
		return b
	}
	if r.IntN(2) == 0 {
		seed := r.Uint64()
		w.Gate = func(key rollout.GateKey, attempt int) rollout.GateOutcome {
			g := rand.New(rand.NewPCG(seed, uint64(len(key.Node)*31+attempt)+hash(key.Node+key.Gate)))
			return []rollout.GateOutcome{rollout.GatePass, rollout.GatePass, rollout.GateHold, rollout.GateFail, rollout.GateError}[g.IntN(5)]
		}
	}
}

// brokenBefore breaks nodes before the plan: one is lost, or pods of v1 crash.
func brokenBefore(r *rand.Rand, w *World) {
	n := NodeName(r.IntN(w.Nodes))
	switch r.IntN(6) {
	case 0:
		w.Before = func(c *Cluster) { c.kill(n) }
	case 1:
		w.Before = func(c *Cluster) { c.breakPod(n) }
	default:
		return
	}
	w.Policy.FenceBroken = w.Policy.MaxUnavailable.IntVal == 1 || r.IntN(2) == 0
}

func hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

// randomChaos is what other people and machines do meanwhile.
func randomChaos(r *rand.Rand, w *World) []chaos {
	node := func() string { return NodeName(r.IntN(w.Nodes)) }
	var out []chaos
	for range r.IntN(4) {
		ch := chaos{at: time.Duration(r.IntN(400)) * time.Second}
		n := node()
		if r.IntN(2) == 0 {
			ch.name, ch.do = meddling(r, n)
		} else {
			ch.name, ch.do = misfortune(r, n)
		}
		out = append(out, ch)
	}
	return out
}

// meddling is what other people do.
func meddling(r *rand.Rand, n string) (string, func(*Sim)) {
	switch k := r.IntN(11); k {
	case 0:
		return "cordon " + n, func(s *Sim) { cordon(s, n, true) }
	case 1:
		return "uncordon " + n, func(s *Sim) { cordon(s, n, false) }
	case 2, 3:
		return "taint " + n, func(s *Sim) { taint(s, n, time.Duration(k-2)*time.Minute) }
	case 4:
		return "template v3", func(s *Sim) { setTemplate(s, "v3") }
	case 5:
		back := time.Duration(r.IntN(60)) * time.Second
		return "template v3 and back", func(s *Sim) {
			setTemplate(s, "v3")
			s.after(back, func() { setTemplate(s, "v2") })
		}
	case 6:
		return "strategy back", func(s *Sim) { flip(s, false) }
	case 10:
		return "annotation removed", func(s *Sim) { disarm(s) }
	case 7:
		return "strategy back twice", func(s *Sim) {
			flip(s, true)
			s.after(30*time.Second, func() { flip(s, true) })
		}
	case 8:
		v := []rollout.Verb{rollout.VerbPause, rollout.VerbAbort, rollout.VerbUndo, rollout.VerbSkip}[r.IntN(4)]
		return "ask " + string(v), func(s *Sim) { s.ask(rollout.Intent{Verb: v, Node: n}) }
	default:
		gone := r.IntN(2) == 0
		return "delete DaemonSet", func(s *Sim) { dropDS(s, !gone) }
	}
}

// misfortune is what befalls nodes and pods.
func misfortune(r *rand.Rand, n string) (string, func(*Sim)) {
	switch r.IntN(8) {
	case 0:
		return "delete node " + n, func(s *Sim) { s.dropNode(operator, n) }
	case 1:
		return "recreate node " + n, func(s *Sim) {
			s.dropNode(operator, n)
			s.after(time.Second, func() { s.AddNode(operator, n, "a") })
		}
	case 2:
		return "join", func(s *Sim) { s.AddNode(operator, "x"+n, "b") }
	case 3, 4:
		back := time.Duration(r.IntN(300)) * time.Second
		stays := r.IntN(3) == 0
		return "kill " + n, func(s *Sim) {
			s.kill(n)
			if !stays {
				s.after(back, func() { s.revive(n) })
			}
		}
	case 5:
		return "evict the pod of " + n, func(s *Sim) { s.evictDaemon(n) }
	default:
		stays := time.Duration(30+r.IntN(120)) * time.Second
		return "a pod that will not end on " + n, func(s *Sim) { s.stickPod(n, stays) }
	}
}

func cordon(s *Sim, node string, on bool) {
	s.editNode(operator, node, func(n *corev1.Node) { n.Spec.Unschedulable = on })
}
