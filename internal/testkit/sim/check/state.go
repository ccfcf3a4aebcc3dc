package check

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// Names that the rollout writes, spelled out: the checker must not learn them
// from what it checks.
const (
	markKey = "kubectl-ds.github.io/cordon"
	armKey  = "kubectl-ds.github.io/arm"
	hashKey = "controller-revision-hash"
	zoneKey = "topology.kubernetes.io/zone"
)

// record is what the checker reads of a stored run.
type record struct {
	ID     string `json:"id"`
	Phase  string `json:"phase"`
	Target struct {
		Hash string `json:"hash"`
	} `json:"target"`
	Scope    string   `json:"scope"`
	Waves    []int    `json:"waves"`
	Skipped  []string `json:"skipped"`
	Fenced   []string `json:"fenced"`
	InFlight []struct {
		Node    string `json:"node"`
		NodeUID string `json:"nodeUID"`
		Wave    int    `json:"wave"`
		PodUID  string `json:"podUID"`
	} `json:"inFlight"`
	Failed []struct {
		Node string `json:"node"`
	} `json:"failed"`
	Approvals []struct {
		Wave int    `json:"wave"`
		Node string `json:"node"`
	} `json:"approvals"`
	Undo *struct {
		Pinned    bool     `json:"pinned"`
		TouchPods bool     `json:"touchPods"`
		Aside     []string `json:"aside"`
	} `json:"undo"`

	members []string
	uids    map[string]string
}

func parseRecord(raw string) (*record, error) {
	var r record
	if err := json.Unmarshal([]byte(raw), &r); err != nil {
		return nil, err
	}
	r.uids = map[string]string{}
	for _, f := range strings.Fields(r.Scope) {
		name, uid, _ := strings.Cut(f, "/")
		r.members = append(r.members, name)
		r.uids[name] = uid
	}
	return &r, nil
}

func (r *record) flying(node string) bool {
	for _, f := range r.InFlight {
		if f.Node == node {
			return true
		}
	}
	return false
}

func (r *record) failed(node string) bool {
	for _, f := range r.Failed {
		if f.Node == node {
			return true
		}
	}
	return false
}

func (r *record) aside(node string) bool {
	return slices.Contains(r.Skipped, node) || slices.Contains(r.Fenced, node) || r.Undo != nil && slices.Contains(r.Undo.Aside, node)
}

// since is a value of the world and since when it has been so.
type since struct {
	is bool
	at time.Time
}

func (s *since) set(is bool, at time.Time) {
	if s.is != is || s.at.IsZero() {
		s.is, s.at = is, at
	}
}

// spell is a time of availability of a pod that has ended.
type spell struct {
	from, to time.Time
	hash     string
}

func (s spell) holds(at time.Time) bool { return !at.Before(s.from) && !at.After(s.to) }

// state is the world, replayed.
type state struct {
	h      *History
	now    time.Time
	nodes  map[string]*Object
	pods   map[string]*Object // namespace/name
	ds     *Object
	revs   map[string]*Object
	lease  *Object
	taken  time.Time // when the Lease got its holder
	rec    *record
	onNode map[string]map[string]*Object // pods of the DaemonSet by node

	down      map[string]*since    // node without an available pod
	placed    map[string]time.Time // when labels or taints of a node last changed
	noReturn  map[string]*since    // node not eligible
	notReady  map[string]*since    // node Ready is not True
	foreign   since                // strategy is not OnDelete
	drift     since                // template is not the target's
	availFrom map[string]time.Time
	lastSpell map[string]spell // the spell of availability before the current one
	lastOn    map[string]spell // the newest of those of all pods of a node
	restarts  map[string]int

	origCordon map[string]bool // before our first write
	epochs     map[string]int64
	deleted    map[string]time.Time // node: our newest delete of its pod
	took       map[string]time.Time // node: put in flight
	before     map[string]bool      // node: down when it was last put in flight, or a moment ago
	failed     map[string]time.Time // node: since when it has failed
	gates      map[string]string    // gate/node: newest answer
	seen       map[string]time.Time // pod: since when it is on its node
}

func newState(h *History) *state {
	return &state{
		h: h, nodes: map[string]*Object{}, pods: map[string]*Object{}, revs: map[string]*Object{},
		onNode: map[string]map[string]*Object{}, down: map[string]*since{}, noReturn: map[string]*since{},
		notReady: map[string]*since{}, availFrom: map[string]time.Time{}, lastSpell: map[string]spell{}, lastOn: map[string]spell{}, restarts: map[string]int{},
		origCordon: map[string]bool{}, epochs: map[string]int64{}, deleted: map[string]time.Time{},
		took: map[string]time.Time{}, before: map[string]bool{}, failed: map[string]time.Time{}, placed: map[string]time.Time{}, gates: map[string]string{}, seen: map[string]time.Time{},
	}
}

// apply commits a write to the replayed world.
func (s *state) apply(w *Write) {
	s.now = w.At
	switch w.Kind {
	case "Node":
		s.seePlace(w)
		put(s.nodes, w.Name, w.Post)
		s.seeNode(w.Name)
	case "Pod":
		s.applyPod(w)
	case "DaemonSet":
		if w.Name == s.h.DaemonSet {
			s.ds = w.Post
			for n := range s.nodes {
				s.seeNode(n)
			}
			s.seeTemplate()
		}
	case "ControllerRevision":
		put(s.revs, w.Name, w.Post)
		s.seeTemplate()
	case "Lease":
		if w.Post != nil && (s.lease == nil || s.lease.Lease.Holder != w.Post.Lease.Holder) {
			s.taken = w.At
		}
		s.lease = w.Post
	case "Gate":
		s.gates[w.Name+"/"+w.GateNode] = w.Verb
	}
}

func put(m map[string]*Object, key string, o *Object) {
	if o == nil {
		delete(m, key)
	} else {
		m[key] = o
	}
}

func (s *state) applyPod(w *Write) {
	key := w.Namespace + "/" + w.Name
	if old := s.pods[key]; old != nil {
		delete(s.onNode[old.Pod.Node], key)
	}
	put(s.pods, key, w.Post)
	if w.Post == nil {
		if w.Pre != nil {
			delete(s.availFrom, w.Pre.UID)
			s.seeNode(w.Pre.Pod.Node)
		}
		return
	}
	n := w.Post.Pod.Node
	if s.onNode[n] == nil {
		s.onNode[n] = map[string]*Object{}
	}
	s.onNode[n][key] = w.Post
	if _, known := s.seen[w.Post.UID]; !known && n != "" {
		s.seen[w.Post.UID] = w.At
	}
	s.seeNode(n)
}

// seeNode brings up to date what is derived of one node.
func (s *state) seeNode(name string) {
	n := s.nodes[name]
	if n == nil || s.ds == nil {
		return
	}
	up := false
	for _, p := range s.onNode[name] {
		if p.Pod.OwnerUID != s.ds.UID {
			continue
		}
		ok := p.Pod.Ready && !p.Pod.Deleted && !p.Pod.Terminal && n.Node.Ready != "Unknown"
		up = up || ok
		proven := ok && n.Node.Ready == "True"
		from, was := s.availFrom[p.UID]
		broke := !proven || s.restarts[p.UID] != p.Pod.Restarts
		if was && broke {
			s.lastSpell[p.UID] = spell{from: from, to: s.now, hash: p.Labels[hashKey]}
			s.lastOn[name] = s.lastSpell[p.UID]
			delete(s.availFrom, p.UID)
		}
		if proven && (!was || broke) {
			s.availFrom[p.UID] = s.now
		}
		s.restarts[p.UID] = p.Pod.Restarts
	}
	at(s.down, name).set(!up, s.now)
	at(s.noReturn, name).set(!s.eligible(n), s.now)
	at(s.notReady, name).set(n.Node.Ready != "True", s.now)
}

func at(m map[string]*since, key string) *since {
	if m[key] == nil {
		m[key] = &since{}
	}
	return m[key]
}

// seeTemplate compares the template with that of the pinned revision.
func (s *state) seeTemplate() {
	if s.ds == nil {
		return
	}
	s.foreign.set(s.ds.DaemonSet.Strategy != "OnDelete", s.now)
	if s.rec == nil || s.rec.Target.Hash == "" {
		return
	}
	drift := false
	for _, r := range s.revs {
		if r.Revision.Hash == s.rec.Target.Hash {
			drift = r.Revision.Template != s.ds.DaemonSet.Template
		}
	}
	s.drift.set(drift, s.now)
}

// counted are the nodes of the scope that are there and not set aside.
func (s *state) counted() []string {
	var out []string
	for _, n := range s.rec.members {
		if o := s.nodes[n]; o != nil && strings.HasPrefix(o.UID, s.rec.uids[n]) && !s.rec.aside(n) {
			out = append(out, n)
		}
	}
	return out
}

// currentHash is that of the newest revision of the DaemonSet.
func (s *state) currentHash() string {
	best, hash := int64(-1), ""
	for _, name := range slices.Sorted(maps.Keys(s.revs)) {
		if r := s.revs[name].Revision; r.OwnerUID == s.ds.UID && r.Number > best {
			best, hash = r.Number, r.Hash
		}
	}
	return hash
}
