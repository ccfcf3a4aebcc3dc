package rollout

import (
	"cmp"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Status is a run as a screen shows it: everything counted from the cluster.
type Status struct {
	Run       string         `json:"run"`
	Namespace string         `json:"namespace"`
	Name      string         `json:"name"`
	At        time.Time      `json:"at"`
	Phase     Phase          `json:"phase"`
	Because   *Cause         `json:"because,omitempty"`
	Started   time.Time      `json:"started,omitzero"`
	Target    Revision       `json:"target"`
	From      Revision       `json:"from"`
	Ceiling   int            `json:"ceiling"`
	Taken     []string       `json:"taken"` // nodes that hold a place
	Done      int            `json:"done"`  // of Total
	Total     int            `json:"total"` // nodes of waves that are there
	Waves     []WaveStatus   `json:"waves"`
	Flights   []FlightStatus `json:"inFlight"`
	Failed    []Failure      `json:"failed,omitempty"`
	Skipped   []string       `json:"skipped,omitempty"` // by a person
	// Joined are nodes outside the scope that run the template by themselves:
	// a pause is not a freeze.
	Joined []string `json:"joined,omitempty"`
	Gone   []string `json:"gone,omitempty"` // members that left the cluster
	Left   []Left   `json:"left,omitempty"`
	// Cordoned are nodes that the run has cordoned and not given back.
	Cordoned []string `json:"cordoned,omitempty"`
	// Waits is set where nothing is in flight and nothing is started, although
	// the run does not rest: its window is closed. Its since is when it opens.
	Waits *Cause `json:"waits,omitempty"`
	// Blocked is what the wave waits for where nothing is in flight and none of
	// its nodes can be started.
	Blocked []Cause `json:"blocked,omitempty"`
	Rearms  int     `json:"rearms,omitempty"`
	Outcome Outcome `json:"outcome,omitempty"`
	Drifted bool    `json:"drifted,omitempty"` // the template is not the target
	Held    bool    `json:"held,omitempty"`    // it is the older one, which hold put back

	nodes   map[string]nodeFacts
	touched int   // nodes that the run has touched: an undo brings them back
	back    bool  // the run goes back: there are no waves
	turning bool  // it is the run that changes the template
	over    []int // waves of which Events has told that they are over
}

// outsideWindow is the closed window where that is all that keeps nodes from
// being started.
func (d *decider) outsideWindow() *Cause {
	if d.r.Phase != Running && d.r.Phase != Undoing || len(d.r.InFlight) > 0 || len(d.p.Windows) == 0 || decided(d.r) {
		return nil
	}
	if len(d.o.Zones) == 0 {
		return nil // whoever looks does not know the time in them
	}
	if list, _, _ := d.candidates(d.r); len(list) == 0 {
		return nil
	}
	return d.window()
}

// blockedBy names the nodes that keep a run from going on which does not rest
// and has nothing in flight.
func (d *decider) blockedBy() []Cause {
	if d.r.Phase != Running && d.r.Phase != Undoing || len(d.r.InFlight) > 0 {
		return nil
	}
	list, _, blocked := d.candidates(d.r)
	if len(list) > 0 {
		return nil
	}
	return blocked
}

// WaveStatus is one wave.
type WaveStatus struct {
	Number int  `json:"number"`
	Nodes  int  `json:"nodes"`
	Done   int  `json:"done"`
	Begun  bool `json:"begun"`
	Late   bool `json:"late,omitempty"`
}

// FlightStatus is one node in flight.
type FlightStatus struct {
	Node  string        `json:"node"`
	Zone  string        `json:"zone,omitempty"`
	Wave  int           `json:"wave"` // 0 on the way back
	Code  Code          `json:"waitsFor"`
	Gate  string        `json:"gate,omitempty"` // that is asked; empty where only the driver knows which
	Said  string        `json:"said,omitempty"` // its newest answer; untrusted
	Since time.Time     `json:"since"`          // in flight, as this process saw it
	Until time.Time     `json:"until,omitzero"`
	Pod   string        `json:"pod,omitempty"` // the new one, else the old one
	Soaks time.Duration `json:"-"`             // available for, without a break
}

// nodeFacts are what events are made of.
type nodeFacts struct {
	pod       string
	uid       types.UID
	hash      string
	ending    bool
	available bool
	flying    bool
	member    bool
}

// StatusOf counts where a run is. It decides nothing.
func StatusOf(p *Policy, r *Run, v *View, o *Observed, now time.Time) *Status {
	s := &Status{
		Run: r.ID, Namespace: r.Namespace, Name: r.Name, At: now, Started: r.Started.Time, Phase: r.Phase, Because: r.Because, Target: r.Target, From: r.From,
		Failed: r.Failed, Skipped: r.Skipped, Left: r.Left, Rearms: r.Rearms, Outcome: r.Outcome, nodes: map[string]nodeFacts{}, touched: len(r.Touched), back: r.Undo != nil && r.Undo.TouchPods,
		Ceiling: p.Ceiling(r.Size), Taken: []string{}, Flights: []FlightStatus{}, Waves: []WaveStatus{},
	}
	if v.DaemonSet == nil {
		return s
	}
	d := newDecider(p, r, v, o, now)
	s.Drifted, s.Held = d.drifted, d.holds()
	s.Waits, s.Blocked = d.outsideWindow(), d.blockedBy()
	s.turning = s.Held || r.Undo != nil && !r.Undo.Pinned
	if from := v.revisionByHash(r.From.Hash); from != nil {
		s.From.Number = from.Revision // it is raised where the template goes back to it
	}
	for n := range d.taken(r.InFlight) {
		s.Taken = append(s.Taken, n)
	}
	slices.Sort(s.Taken)
	d.countWaves(s)
	for i := range r.InFlight {
		s.Flights = append(s.Flights, d.flightStatus(&r.InFlight[i]))
	}
	d.facts(s)
	s.Cordoned = v.cordonedBy(r.ID)
	return s
}

func (d *decider) countWaves(s *Status) {
	from := 0
	for w, end := range d.r.Waves {
		ws := WaveStatus{Number: w + 1, Late: w+1 == d.r.Late, Begun: d.waveBegun(w + 1)}
		for i := from; i < end; i++ {
			switch d.class(i) {
			case classGone:
				s.Gone = append(s.Gone, d.r.Members[i].Node)
				continue
			case classDone:
				ws.Done++
			default:
			}
			ws.Nodes++
		}
		s.Waves = append(s.Waves, ws)
		s.Done += ws.Done
		s.Total += ws.Nodes
		from = end
	}
}

func (d *decider) flightStatus(f *Flight) FlightStatus {
	seen := d.o.Nodes[f.Node]
	out := FlightStatus{Node: f.Node, Wave: f.Wave, Since: seen.Flying, Pod: f.Pod, Code: WaitStep}
	if f.Wave > len(d.r.Waves) {
		out.Wave = 0
	}
	n := d.v.Node(f.Node)
	if n == nil {
		return out
	}
	out.Zone = ZoneOf(n.Node)
	step := d.fly(f, d.r.Phase == Running || d.r.Phase == Undoing)
	if step.wait != nil {
		out.Code, out.Until = step.wait.Code, step.until
		if code, unseen := d.unseen(n, out.Code); unseen {
			out.Code, out.Until = code, time.Time{}
		}
	}
	d.gateStatus(&out, &step)
	if p := d.proof(n, f); p != nil && d.replaced(n, f) {
		out.Pod = p.Name
		if !seen.Available.IsZero() {
			out.Soaks = d.now.Sub(seen.Available)
		}
	}
	return out
}

// gateStatus tells that a node waits for a gate, also in the moment in which
// the gate is asked once more.
func (d *decider) gateStatus(out *FlightStatus, s *step) {
	switch a := s.act.(type) {
	case *Evict:
		out.Code = WaitDrain
	case *RunGate:
		out.Code = WaitGate
		if d.o.outside {
			return // it has heard no answer, so it knows not how far the driver is
		}
		out.Gate = a.Gate
		if seen, asked := d.o.Gates[GateKey{Gate: a.Gate, Node: a.Node, Wave: a.Wave}]; asked {
			out.Said = seen.said()
		}
	default:
		if s.wait != nil && s.wait.Code == WaitGate {
			out.Gate, out.Said = s.wait.Gate, s.wait.Message
		}
	}
}

// facts notes what each node runs, and who came without us.
func (d *decider) facts(s *Status) {
	members := make(map[string]bool, len(d.r.Members))
	for _, m := range d.r.Members {
		if d.v.member(m) != nil {
			members[m.Node] = true
		}
	}
	for i := range d.v.Nodes {
		n := &d.v.Nodes[i]
		name := n.Node.Name
		f := nodeFacts{member: members[name], flying: d.r.flight(name) != nil}
		for _, p := range n.Pods {
			// A live pod speaks for the node, else one that is ending.
			if f.pod != "" && !live(p) {
				continue
			}
			f.pod, f.uid, f.hash, f.ending = p.Name, p.UID, p.Labels[hashLabel], p.Deleted != 0
			f.available = n.available(p, d.minReady, d.now) && n.Ready == corev1.ConditionTrue
		}
		s.nodes[name] = f
		if !f.member && f.pod != "" && f.hash == d.r.Target.Hash {
			s.Joined = append(s.Joined, name)
		}
	}
	slices.SortFunc(s.Flights, func(a, b FlightStatus) int { return cmp.Compare(a.Node, b.Node) })
}
