package sim

import (
	"container/heap"
	"time"
)

// event is something that happens at a time.
type event struct {
	at  time.Time
	seq int
	do  func()
}

type queue []*event

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	if q[i].at.Equal(q[j].at) {
		return q[i].seq < q[j].seq
	}
	return q[i].at.Before(q[j].at)
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push implements heap.Interface.
func (q *queue) Push(x any) { *q = append(*q, x.(*event)) }

// Pop implements heap.Interface.
func (q *queue) Pop() any {
	old := *q
	e := old[len(old)-1]
	*q = old[:len(old)-1]
	return e
}

// after schedules something.
func (c *Cluster) after(d time.Duration, do func()) {
	c.seq++
	heap.Push(&c.queue, &event{at: c.now.Add(d), seq: c.seq, do: do})
}

// step runs the next event; false where there is none before end.
func (c *Cluster) step(end time.Time) bool {
	if len(c.queue) == 0 || c.queue[0].at.After(end) {
		return false
	}
	e := heap.Pop(&c.queue).(*event)
	c.now = e.at
	e.do()
	return true
}

// between draws a duration.
func (c *Cluster) between(a, b time.Duration) time.Duration {
	return a + time.Duration(c.rng.Int64N(int64(b-a)+1))
}

// chance is true n times in 100.
func (c *Cluster) chance(n int) bool { return c.rng.IntN(100) < n }
