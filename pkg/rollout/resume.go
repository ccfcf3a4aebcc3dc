package rollout

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ResumeFacts are what somebody must know who goes on with a run: what is as
// it was, what has changed meanwhile, and what is left.
type ResumeFacts struct {
	Same    []string `json:"same"`              // as in "template (42)"
	Differs []string `json:"differs,omitempty"` // and why that matters
	Done    int      `json:"done"`
	Total   int      `json:"total"`
	// Joined run the template by themselves; JoinedDown of them are not
	// available.
	Joined     []string   `json:"joined,omitempty"`
	JoinedDown []string   `json:"joinedDown,omitempty"`
	Gone       []string   `json:"gone,omitempty"`
	Lost       []string   `json:"lost,omitempty"`
	InFlight   []string   `json:"inFlight,omitempty"`
	Failed     []Failure  `json:"failed,omitempty"`
	Left       []LeftWave `json:"left,omitempty"`
	LeftNodes  int        `json:"leftNodes"`
	Seconds    int64      `json:"seconds,omitempty"` // that it takes, about; 0 where nothing tells
	// Until is after when no node is started; nil for none. UntilPast tells
	// that it is over, so that only what is in flight is finished.
	Until     *metav1.Time   `json:"until,omitempty"`
	UntilPast bool           `json:"untilPast,omitempty"`
	Zones     map[string]int `json:"zones,omitempty"` // of what is left
}

// LeftWave is a wave with nodes that are still to come.
type LeftWave struct {
	Wave  int `json:"wave"`
	Nodes int `json:"nodes"`
}

// ResumeOf looks at a stored run before it goes on.
func ResumeOf(r *Run, v *View, now time.Time) *ResumeFacts {
	p := r.Policy
	if p == nil {
		p = &Policy{}
	}
	o := NewObserved(now, r.Epoch)
	s := StatusOf(p, r, v, o, now)
	f := &ResumeFacts{Done: s.Done, Total: s.Total, Joined: s.Joined, Gone: s.Gone, Failed: r.Failed, Zones: map[string]int{}}
	f.Until, f.UntilPast = p.Until, untilPast(r, p, now)
	f.identity(r, v, s)
	if v.DaemonSet == nil {
		return f
	}
	for _, n := range s.Joined {
		if !s.nodes[n].available {
			f.JoinedDown = append(f.JoinedDown, n)
		}
	}
	for i := range r.InFlight {
		f.InFlight = append(f.InFlight, r.InFlight[i].Node)
	}
	f.left(newDecider(p, r, v, o, now))
	plan := &Plan{Updates: f.LeftNodes, Ceiling: p.Ceiling(r.Size), Parallel: p.Parallel(r.Size), Nodes: make([]PlanNode, r.Size), Down: f.Lost}
	if e := estimate(v, plan, p); e != nil {
		f.Seconds = e.Total
	}
	return f
}

func (f *ResumeFacts) identity(r *Run, v *View, s *Status) {
	say := func(same bool, ok, not string) {
		if same {
			f.Same = append(f.Same, ok)
		} else {
			f.Differs = append(f.Differs, not)
		}
	}
	say(v.Snapshot.Source.ClusterUID == r.ClusterUID, "cluster", "this is another cluster than the run's")
	if v.DaemonSet == nil {
		say(false, "", "the DaemonSet is not there")
		return
	}
	say(v.DaemonSet.UID == r.UID, "DaemonSet UID", "the DaemonSet was deleted and made again")
	if r.Target.Hash != "" {
		say(!s.Drifted, "template ("+numberOr(r.Target)+")", "the template is not that of revision "+numberOr(r.Target)+" any more")
	}
	say(v.onDelete(), "strategy (OnDelete)", "updateStrategy is "+string(v.DaemonSet.Spec.UpdateStrategy.Type)+", not OnDelete: somebody took it back")
}

func numberOr(r Revision) string {
	if r.Number == 0 {
		return r.Hash
	}
	return number(&r.Number)
}

// left counts what is still to come, by wave and zone.
func (f *ResumeFacts) left(d *decider) {
	byWave := map[int]int{}
	for i, m := range d.r.Members {
		n := d.v.member(m)
		if n == nil {
			continue
		}
		if lostNode(n) {
			f.Lost = append(f.Lost, m.Node)
			continue
		}
		w := d.r.wave(i)
		if w == 0 || d.class(i) == classDone || d.class(i) == classAside || d.class(i) == classNoReturn {
			continue
		}
		byWave[w]++
		f.Zones[ZoneOf(n.Node)]++
		f.LeftNodes++
	}
	for w := 1; w <= len(d.r.Waves); w++ {
		if byWave[w] > 0 {
			f.Left = append(f.Left, LeftWave{Wave: w, Nodes: byWave[w]})
		}
	}
	slices.Sort(f.Lost)
}
