package rollout

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// Roles of a revision.
const (
	RoleTarget  = "target"  // of the run
	RoleFrom    = "from"    // what most pods ran when the run began
	RoleCurrent = "current" // of the template, where there is no run
	RoleGone    = "gone"    // pods run it, and its ControllerRevision is no more
)

// HistoryRow is one revision of a DaemonSet.
type HistoryRow struct {
	Revision  int64        `json:"revision,omitempty"` // 0 where the ControllerRevision is gone
	Role      string       `json:"role,omitempty"`
	Name      string       `json:"name,omitempty"`
	Hash      string       `json:"hash,omitempty"`
	Created   *metav1.Time `json:"created,omitempty"` // first; going back to a revision raises its number only
	Pods      int          `json:"pods"`
	Available int          `json:"available"`
	// Changes against the revision before, as TemplateDiff tells them, and
	// Summary in one line. Untrusted.
	Changes []string `json:"changes,omitempty"`
	Summary string   `json:"summary,omitempty"`
	Cause   string   `json:"changeCause,omitempty"` // annotation kubernetes.io/change-cause; untrusted
	Error   string   `json:"error,omitempty"`       // why the template could not be read
}

// changeCause is what `kubectl rollout history` shows, too.
const changeCause = "kubernetes.io/change-cause"

// HistoryOf lists the revisions of a DaemonSet, the newest first, with the
// pods that run each. run is nil where there is none.
func HistoryOf(v *View, run *Run, now time.Time) []HistoryRow {
	if v.DaemonSet == nil {
		return nil
	}
	counts := map[string]RevisionCount{}
	for _, c := range CountRevisions(v, now) {
		counts[c.Hash] = c
	}
	var out []HistoryRow
	for i, rev := range v.Revisions {
		row := HistoryRow{
			Revision: rev.Revision, Name: rev.Name, Hash: rev.Labels[hashLabel], Role: roleOf(v, run, rev),
			Cause: rev.Annotations[changeCause],
		}
		if !rev.CreationTimestamp.IsZero() {
			row.Created = &rev.CreationTimestamp
		}
		row.Pods, row.Available = counts[row.Hash].Pods, counts[row.Hash].Available
		delete(counts, row.Hash)
		var before *appsv1.ControllerRevision
		if i+1 < len(v.Revisions) {
			before = v.Revisions[i+1]
		}
		row.compare(rev, before)
		out = append(out, row)
	}
	for _, hash := range slices.Sorted(maps.Keys(counts)) {
		c := counts[hash]
		out = append(out, HistoryRow{Role: RoleGone, Hash: hash, Pods: c.Pods, Available: c.Available, Summary: "its ControllerRevision is gone"})
	}
	return out
}

func roleOf(v *View, run *Run, rev *appsv1.ControllerRevision) string {
	hash := rev.Labels[hashLabel]
	switch {
	case run != nil && hash != "" && hash == run.Target.Hash:
		return RoleTarget
	case run != nil && hash != "" && hash == run.From.Hash:
		return RoleFrom
	case (run == nil || run.Target.Hash == "") && rev == v.current():
		return RoleCurrent
	}
	return ""
}

func (row *HistoryRow) compare(rev, before *appsv1.ControllerRevision) {
	is, err := TemplateOf(rev)
	if err != nil {
		row.Error = err.Error()
		return
	}
	if before == nil {
		return
	}
	was, err := TemplateOf(before)
	if err != nil {
		return // the row of that revision says why
	}
	row.Changes, row.Summary = TemplateDiff(was, is), ShortDiff(was, is)
}

// FindRevision returns the revision with a number, for --revision.
func FindRevision(v *View, number int64) (*appsv1.ControllerRevision, error) {
	var have []string
	for _, r := range v.Revisions {
		if r.Revision == number {
			return r, nil
		}
		have = append(have, strconv.FormatInt(r.Revision, 10))
	}
	if len(have) == 0 {
		return nil, errors.New("the DaemonSet has no revisions yet")
	}
	return nil, fmt.Errorf("there is no revision %d; there are %s", number, strings.Join(have, ", "))
}

// ParseDiff reads A..B of --diff.
func ParseDiff(s string) (from, to int64, err error) {
	a, b, ok := strings.Cut(s, "..")
	if ok {
		from, err = strconv.ParseInt(a, 10, 64)
		var err2 error
		to, err2 = strconv.ParseInt(b, 10, 64)
		err = cmp.Or(err, err2)
	}
	if !ok || err != nil || from < 1 || to < 1 {
		return 0, 0, fmt.Errorf("%q is not two revisions, as in 41..42", s)
	}
	return from, to, nil
}

// RevisionDiff is the whole TemplateDiff between two revisions, by number.
func RevisionDiff(v *View, from, to int64) ([]string, error) {
	var templates []*templateSpec
	for _, n := range []int64{from, to} {
		rev, err := FindRevision(v, n)
		if err != nil {
			return nil, err
		}
		t, err := TemplateOf(rev)
		if err != nil {
			return nil, err
		}
		templates = append(templates, t)
	}
	return TemplateDiff(templates[0], templates[1]), nil
}

// RevisionCount is how many pods run one revision, and how they are.
type RevisionCount struct {
	Number    int64  `json:"number,omitempty"` // 0 where the ControllerRevision is gone
	Hash      string `json:"hash"`
	Pods      int    `json:"pods"` // that have not ended for good
	Available int    `json:"available"`
	Ending    int    `json:"ending,omitempty"`  // being deleted
	Lost      int    `json:"lost,omitempty"`    // nobody reports for their node
	Failing   int    `json:"failing,omitempty"` // neither: not available
}

// CountRevisions counts the pods of a DaemonSet by revision, the newest first.
func CountRevisions(v *View, now time.Time) []RevisionCount {
	if v.DaemonSet == nil {
		return nil
	}
	by := map[string]*RevisionCount{}
	var out []*RevisionCount
	at := func(hash string) *RevisionCount {
		c := by[hash]
		if c == nil {
			c = &RevisionCount{Hash: hash}
			by[hash] = c
			out = append(out, c)
		}
		return c
	}
	for _, r := range v.Revisions {
		at(r.Labels[hashLabel]).Number = r.Revision
	}
	for i := range v.Nodes {
		for _, p := range v.Nodes[i].Pods {
			at(p.Labels[hashLabel]).add(&v.Nodes[i], p, v.DaemonSet.Spec.MinReadySeconds, now)
		}
	}
	for _, p := range v.Homeless {
		if !p.Terminal() {
			c := at(p.Labels[hashLabel])
			c.Pods, c.Lost = c.Pods+1, c.Lost+1
		}
	}
	var full []RevisionCount
	for _, c := range out {
		if c.Pods > 0 {
			full = append(full, *c)
		}
	}
	return full
}

func (c *RevisionCount) add(n *NodeView, p *snapshot.Pod, minReady int32, now time.Time) {
	if p.Terminal() {
		return
	}
	c.Pods++
	switch {
	case lostNode(n):
		c.Lost++
	case p.Deleted != 0:
		c.Ending++
	case n.available(p, minReady, now):
		c.Available++
	default:
		c.Failing++
	}
}
