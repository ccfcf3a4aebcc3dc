package audit

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"time"
)

// bounds are what is known of the order of one object's writes.
type bounds struct {
	first    int64 // the first write
	last     int64 // the last write
	alive    int64 // the last write without a deletionTimestamp
	deleting int64 // the first write with one
}

// placed is an entry whose place is known, or guessed.
type placed struct {
	entry
	guess bool
}

// order sorts entries as the server committed them. All kinds are ordered by
// one counter, which is etcd's; a write whose answer does not tell it is put
// after everything that was answered before it.
func order(entries []entry) []entry {
	o := newOrderer(entries)
	out := make([]placed, 0, len(entries))
	for i := range entries {
		e := entries[i]
		guess := e.rv == 0 || e.dryRun
		if guess {
			e.rv = o.within(&e, o.newest(&e))
		}
		out = append(out, placed{entry: e, guess: guess})
	}
	slices.SortStableFunc(out, func(a, b placed) int {
		switch c := cmp.Compare(a.rv, b.rv); {
		case c != 0:
			return c
		case a.guess == b.guess:
			return a.done.Compare(b.done)
		case a.guess:
			return 1
		default:
			return -1
		}
	})
	sorted := make([]entry, len(out))
	for i := range out {
		sorted[i] = out[i].entry
	}
	return sorted
}

// orderer knows the entries that tell their resourceVersion.
type orderer struct {
	byUID  map[string]*bounds
	byName map[string][]string // uids of an object's name, in the order of their first writes
	done   []time.Time         // when they were answered, in order
	rvs    []int64             // and the highest resourceVersion by then
}

func newOrderer(entries []entry) *orderer {
	o := &orderer{byUID: map[string]*bounds{}, byName: map[string][]string{}}
	var known []*entry
	for i := range entries {
		if e := &entries[i]; e.rv != 0 && !e.dryRun && e.verb != observed {
			known = append(known, e)
			o.note(e)
		}
	}
	slices.SortFunc(known, func(a, b *entry) int { return a.done.Compare(b.done) })
	highest := int64(0)
	for _, e := range known {
		highest = max(highest, e.rv)
		o.done, o.rvs = append(o.done, e.done), append(o.rvs, highest)
	}
	return o
}

func (o *orderer) note(e *entry) {
	b := o.byUID[e.uid]
	if b == nil {
		b = &bounds{first: math.MaxInt64, deleting: math.MaxInt64}
		o.byUID[e.uid] = b
		o.byName[e.key()] = append(o.byName[e.key()], e.uid)
	}
	b.first, b.last = min(b.first, e.rv), max(b.last, e.rv)
	if e.object != nil && e.object.Pod != nil && e.object.Pod.Deleted {
		b.deleting = min(b.deleting, e.rv)
	} else {
		b.alive = max(b.alive, e.rv)
	}
}

// newest is the highest resourceVersion that had been answered.
func (o *orderer) newest(e *entry) int64 {
	n := sort.Search(len(o.done), func(i int) bool { return o.done[i].After(e.done) })
	if n == 0 {
		return 0
	}
	return o.rvs[n-1]
}

func (e *entry) key() string { return e.kind + "/" + e.namespace + "/" + e.name }

// within moves a guess to where it must have been among the writes of the same
// object.
func (o *orderer) within(e *entry, guess int64) int64 {
	if e.dryRun {
		return guess
	}
	names := o.byName[e.key()]
	if e.uid == "" && e.precondition.UID != nil {
		e.uid = string(*e.precondition.UID)
	}
	if e.uid == "" { // the newest of that name by then, or the one that was just made
		for _, uid := range names {
			if e.uid == "" || o.byUID[uid].first <= guess {
				e.uid = uid
			}
		}
	}
	b := o.byUID[e.uid]
	if b == nil {
		return guess
	}
	switch e.verb {
	case "bind":
		return max(guess, b.first)
	case "evict":
		return max(min(guess, b.deleting-1), b.alive)
	default:
		if i := slices.Index(names, e.uid); i+1 < len(names) { // before its namesake
			guess = min(guess, o.byUID[names[i+1]].first-1)
		}
		return max(guess, b.last)
	}
}
