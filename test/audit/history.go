package audit

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit/sim/check"
)

// Options choose what is judged.
type Options struct {
	Namespace, DaemonSet string
	// Lease is the name of the run's Lease, in the same namespace.
	Lease string
	// Node chooses the nodes; nil takes all. Pods are taken that are in the
	// namespace or on these nodes.
	Node func(name string) bool
	// Decode unpacks what the Lease stores of a run to JSON; nil where it is
	// JSON already.
	Decode func(raw string) (string, error)
	// MayTake tells that the Lease may be taken from its holder at once: its
	// process had died on this machine, or a person overrode it.
	MayTake func(holder string, renewed, taken time.Time) bool
	// ActorsAreHolders names the writes of a driver by what it wrote into the
	// Lease as its holder. For drivers that each have a user of their own.
	ActorsAreHolders bool
	// Answers are those of gates; they are put in by their time.
	Answers []check.Write
	// Until leaves out what was received later; zero takes all.
	Until time.Time
}

// History replays the log. The caller fills in what it asked of the run:
// budget, soak, gates and how it ended.
func (l *Log) History(opts Options) (*check.History, error) {
	h := &historian{
		opts: opts, live: map[string]*check.Object{}, applied: map[string]int64{}, holders: map[string]string{},
		out: &check.History{Namespace: opts.Namespace, DaemonSet: opts.DaemonSet},
	}
	l.mu.Lock()
	var chosen []entry
	for i := range l.entries {
		if h.wanted(&l.entries[i]) {
			chosen = append(chosen, l.entries[i])
		}
	}
	l.mu.Unlock()
	for _, e := range order(chosen) {
		if err := h.add(&e); err != nil {
			return nil, err
		}
	}
	h.answers()
	return h.out, nil
}

// historian replays entries into a history.
type historian struct {
	opts    Options
	out     *check.History
	live    map[string]*check.Object // by kind/namespace/name
	applied map[string]int64         // uid: the newest resourceVersion
	renew   leaseFacts
	holders map[string]string // user: what it called itself in the Lease
	now     time.Time
}

func (h *historian) wanted(e *entry) bool {
	o := &h.opts
	switch {
	case !o.Until.IsZero() && e.received.After(o.Until):
		return false
	case e.kind == "Node":
		return o.Node == nil || o.Node(e.name)
	case e.verb == observed:
		return e.namespace == o.Namespace
	case e.kind == "Pod" && e.namespace != o.Namespace:
		// Evictions do not say where: they follow a pod that was chosen.
		return e.object == nil || o.Node == nil || o.Node(e.object.Pod.Node)
	case e.namespace != o.Namespace:
		return false
	case e.kind == "DaemonSet":
		return e.name == o.DaemonSet
	case e.kind == "Lease":
		return e.name == o.Lease
	default:
		return true
	}
}

// add replays one entry. What changed nothing is no write.
func (h *historian) add(e *entry) error {
	if e.verb == observed {
		h.missed(e)
		return nil
	}
	if h.asItWas(e) {
		return nil
	}
	pre := h.live[e.key()]
	// The commit came after the request, and after every commit before it.
	if e.received.After(h.now) {
		h.now = e.received
	}
	w := check.Write{
		RV: e.rv, At: h.now, Ours: strings.HasPrefix(e.agent, ours), Verb: e.verb, Kind: e.kind, DryRun: e.dryRun,
		Namespace: e.namespace, Name: e.name, Pre: pre, Post: e.object,
	}
	if w.Ours {
		w.Sent = e.received
	}
	if u := e.precondition.UID; u != nil {
		w.PreconditionUID = string(*u)
	}
	if rv := e.precondition.ResourceVersion; rv != nil {
		w.PreconditionRV = *rv
	}
	if !h.after(&w, e) {
		return nil
	}
	if e.kind == "Lease" {
		if err := h.lease(&w, e); err != nil {
			return err
		}
	}
	agent, _, _ := strings.Cut(e.agent, "/")
	w.Actor = e.user + " " + agent
	if holder := h.holders[e.user]; h.opts.ActorsAreHolders && w.Ours && holder != "" {
		w.Actor = holder
	}
	h.out.Writes = append(h.out.Writes, w)
	if w.DryRun {
		return nil
	}
	if w.Post == nil {
		delete(h.live, e.key())
	} else {
		h.live[e.key()] = w.Post
	}
	return nil
}

// asItWas tells an answer with an object that did not change: its time is not
// that of its resourceVersion.
func (h *historian) asItWas(e *entry) bool {
	return e.object != nil && !e.dryRun && h.applied[e.uid] == e.rv
}

// after says what is there after the write, and whether it was one.
func (h *historian) after(w *check.Write, e *entry) bool {
	switch {
	case e.object == nil && (w.Pre == nil || e.uid != "" && w.Pre.UID != e.uid):
		return false // of an object that was not chosen, or is gone already
	case e.object == nil || e.dryRun:
	default:
		h.applied[e.uid] = e.rv
	}
	switch {
	case e.verb == "bind":
		w.Verb = "update"
		w.Post = changed(w.Pre, func(p *check.Pod) { p.Node = e.target })
		return w.Pre.Pod.Node != e.target
	case e.verb == "evict":
		return evicted(w, e)
	case e.removed:
		w.Post = nil
		if e.verb != "delete" || w.Pre != nil && w.Pre.Pod != nil && w.Pre.Pod.Deleted {
			w.Verb = "remove" // the end of what was decided before
		}
		return w.Pre != nil
	}
	return true
}

// evicted says what an eviction leaves: a pod that its kubelet has to end, or
// none where no kubelet has it.
func evicted(w *check.Write, e *entry) bool {
	p := w.Pre.Pod
	if e.removed || p.Terminal || p.Node == "" {
		return true
	}
	w.Post = changed(w.Pre, func(p *check.Pod) { p.Deleted = true })
	return !p.Deleted
}

func changed(o *check.Object, change func(*check.Pod)) *check.Object {
	out, pod := *o, *o.Pod
	change(&pod)
	out.Pod = &pod
	return &out
}

// lease fills in what is said of a Lease beyond its own fields.
func (h *historian) lease(w *check.Write, e *entry) error {
	if w.Post == nil {
		h.renew = leaseFacts{}
		return nil
	}
	l := *w.Post.Lease // the entry stays as it was read
	w.Post = &check.Object{UID: w.Post.UID, Labels: w.Post.Labels, Lease: &l}
	if l.Run != "" && h.opts.Decode != nil {
		run, err := h.opts.Decode(l.Run)
		if err != nil {
			return fmt.Errorf("the run in lease %s: %w", w.Name, err)
		}
		l.Run = run
	}
	l.Renewed = w.At
	var was *check.Lease
	if w.Pre != nil {
		was = w.Pre.Lease
		if was.Holder == l.Holder && h.renew.renewTime == e.lease.renewTime {
			l.Renewed = was.Renewed
		}
	}
	if l.Holder != "" && (was == nil || was.Holder != l.Holder) {
		h.holders[e.user] = l.Holder
		if was != nil && was.Holder != "" {
			l.Takeover = asked(h.renew.intents) || asked(e.lease.intents) || h.opts.MayTake != nil && h.opts.MayTake(was.Holder, was.Renewed, w.At)
		}
	}
	h.renew = e.lease
	return nil
}

// asked tells that a person asked for a takeover. What cannot be read is for
// the driver to refuse.
func asked(intents string) bool {
	var list struct {
		Intents []struct {
			Verb string `json:"verb"`
		} `json:"intents"`
	}
	if json.Unmarshal([]byte(intents), &list) != nil {
		return false
	}
	for _, in := range list.Intents {
		if in.Verb == "takeover" {
			return true
		}
	}
	return false
}

// answers puts the answers of gates between the writes.
func (h *historian) answers() {
	for _, a := range h.opts.Answers {
		at, _ := slices.BinarySearchFunc(h.out.Writes, a.At, func(w check.Write, t time.Time) int {
			if w.At.After(t) {
				return 1
			}
			return -1
		})
		h.out.Writes = slices.Insert(h.out.Writes, at, a)
	}
}
