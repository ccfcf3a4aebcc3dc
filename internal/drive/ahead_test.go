package drive

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// Every delete has a look of its own, which was begun at the earliest with the
// write that puts the node in flight, and at most a second before.
func TestEveryDeleteIsLookedAtOnce(t *testing.T) {
	for _, c := range []struct {
		name  string
		save  time.Duration // how long the Lease takes to be written
		looks int           // for each delete
	}{{"at once", 10 * time.Millisecond, 1}, {"slowly", 2 * time.Second, 2}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := begin(t, 4, rollout.Running)
				f.before = func(_ context.Context, line string) error {
					if strings.HasPrefix(line, "save") {
						<-time.After(c.save) // virtual time
					}
					return nil
				}
				f.mustFinish(f.drive())
				looks, last := 0, time.Time{}
				for _, s := range f.lines("look", "delete agent") {
					if s.line == "look" {
						looks, last = looks+1, s.at
						continue
					}
					if looks != c.looks || s.at.Sub(last) >= aheadFor {
						t.Errorf("%d looks before %s, the last %s ago", looks, s.line, s.at.Sub(last))
					}
					looks = 0
				}
			})
		})
	}
}

// What was seen ahead has to agree with what the watches say once the Lease is
// written: no node that was tainted meanwhile is touched.
func TestALookAheadIsNotBelievedAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin(t, 2, rollout.Running)
		saved := false
		f.after = func(line string) error {
			if strings.HasPrefix(line, "save") && !saved {
				saved = true
				f.taint()
			}
			return nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		<-f.start(ctx)
		if d := f.lines("delete agent"); len(d) != 0 {
			t.Errorf("it acted on what was so before: %v", d)
		}
	})
}

// A Lease that was taken just now is neither read nor renewed first.
func TestALeaseOfJustNowIsNotRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin(t, 1, rollout.Running)
		f.Taken = time.Now()
		f.mustFinish(f.drive())
		if first := f.lines("")[0].line; first == "get lease" || first == "renew" {
			t.Errorf("the first request is %q", first)
		}
	})
}

// Lists of just now are a look at everything; older ones are not.
func TestAListOfJustNowIsALook(t *testing.T) {
	for _, c := range []struct {
		name string
		ago  time.Duration
		want string
	}{{"just now", aheadFor - time.Millisecond, "handback"}, {"before", aheadFor, "look"}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := begin(t, 1, rollout.Finishing)
				<-time.After(time.Minute)     // virtual: there is a time before
				f.pods[0] = f.pod(0, 2, "h2") // all is done, but for what is given back
				f.Taken, f.Listed = time.Now(), time.Now().Add(-c.ago)
				f.mustEnd(f.drive())
				if first := f.lines("")[0].line; first != c.want {
					t.Errorf("the first request is %q, want %q", first, c.want)
				}
			})
		})
	}
}

func (c *cluster) taint() {
	c.mu.Lock()
	defer c.mu.Unlock()
	nodes := make([]*corev1.Node, len(c.nodes))
	for i, n := range c.nodes {
		nodes[i] = n.DeepCopy()
		nodes[i].Spec.Taints = []corev1.Taint{{Key: "gone", Effect: corev1.TaintEffectNoSchedule}}
	}
	c.nodes = nodes
	c.wake()
}
