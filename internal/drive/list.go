package drive

import (
	"context"
	"time"
)

const (
	// listEvery grows with the cluster by listEach: a list costs the server by
	// its length.
	listEvery   = 15 * time.Second
	listEach    = 2 * time.Millisecond
	listTimeout = 30 * time.Second
	// trusted is how many times listEvery the watches are believed without a
	// list that says the same: one that hangs looks as one does where nothing
	// happens.
	trusted = 3
)

// lists are the backstop of the watches. They are read beside everything else,
// so that a slow one does not keep the Lease from being renewed.
type lists struct {
	since  time.Time // lists that were begun before do not count
	listed time.Time // when the newest one that succeeded was begun
	next   time.Time
	busy   bool
	err    error // of the last one
	done   chan listed
}

// newLists begins with the lists that the watches began with.
func newLists(first, now time.Time) lists {
	if first.IsZero() {
		first = now.Add(-aheadFor) // believed, but no look
	}
	return lists{since: now, listed: first, next: now.Add(listEvery), done: make(chan listed, 1)}
}

// listed is the end of one.
type listed struct {
	begun time.Time
	err   error
}

func (d *driver) listEvery() time.Duration {
	return listEvery + time.Duration(len(d.run.Members))*listEach
}

// list begins to list where it is time to, and does not wait for it.
func (d *driver) list(ctx context.Context) {
	now := time.Now()
	if d.lists.busy || now.Before(d.lists.next) {
		return
	}
	d.lists.busy = true
	go func() {
		ctx, cancel := context.WithTimeout(ctx, listTimeout)
		defer cancel()
		d.lists.done <- listed{now, d.Cluster.Poll(ctx)}
	}()
}

func (d *driver) noteList(l listed) {
	d.lists.busy = false
	switch {
	case l.begun.Before(d.lists.since):
		return
	case l.err != nil:
		d.lists.err, d.lists.next = l.err, time.Now().Add(mostWait)
	default:
		d.lists.err, d.lists.listed, d.lists.next = nil, l.begun, l.begun.Add(d.listEvery())
	}
}

// relist lets nothing be decided before all was listed once more.
func (d *driver) relist() {
	now := time.Now()
	d.lists.since, d.lists.listed, d.lists.next, d.lists.err = now, time.Time{}, now, nil
}

// current reports whether the watches may be believed, and what keeps them
// from it.
func (d *driver) current() (bool, error) {
	if time.Since(d.lists.listed) <= trusted*d.listEvery() {
		return true, nil
	}
	err := d.lists.err
	d.lists.err = nil // it counts once
	return false, err
}
