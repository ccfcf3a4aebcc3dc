package coverage

import (
	"fmt"
	"strings"
	"time"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// churnOn is how often pods of the DaemonSet failed on a node and were replaced,
// as far back as events go. The pod that is there now is only the newest of
// them. The controller names pod and node in its event FailedDaemonPod
// (podsShouldBeOnNode of pkg/controller/daemon, v1.37.2).
func (a *analysis) churnOn(node string) *ChurnEvidence {
	if a.churn == nil {
		a.churn = map[string]*ChurnEvidence{}
		for _, e := range a.ix.eventsOf(a.d.Namespace, "DaemonSet", a.d.Name, a.d.UID) {
			_, rest, named := strings.Cut(e.Message, " on node ")
			name, _, whole := strings.Cut(rest, ", will try to kill it")
			if e.Reason != "FailedDaemonPod" || !named || !whole {
				continue
			}
			c := a.churn[name]
			if c == nil {
				c = &ChurnEvidence{}
				a.churn[name] = c
			}
			c.Failed += e.Count
			c.Last = metaTime(e.Last) // oldest first
		}
	}
	return a.churn[node]
}

// churnSettles is how many failed pods on a node speak against the next one: a
// single one may have gone with a reboot.
const churnSettles = 2

// churnText says it in a message; empty for nothing.
func churnText(now time.Time, c *ChurnEvidence) string {
	if c == nil {
		return ""
	}
	s := "; " + count(int(c.Failed), "pod") + " failed on this node before"
	if c.Last != nil {
		s += fmt.Sprintf(", the last %s ago", age(now, snapshot.TimeOf(c.Last)))
	}
	return s
}
