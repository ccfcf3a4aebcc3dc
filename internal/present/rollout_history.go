package present

import (
	"fmt"
	"io"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// HistoryView is the history of one DaemonSet.
type HistoryView struct {
	Context, Namespace, Name string
	Rows                     []rollout.HistoryRow
}

// WriteHistory writes a row a revision, the newest first.
func WriteHistory(w io.Writer, v *HistoryView, o Options) error {
	var p page
	c := o.paint()
	p.lines(flow(c, o.Width, clause{toned(strong, Safe(headOf(v.Namespace, v.Name, v.Context))), text(": " + plural(len(v.Rows), "revision"))}))
	p.line("")
	if len(v.Rows) == 0 {
		p.line("The controller has not made a revision yet.")
		return p.writeTo(w)
	}
	if err := p.table(gridOf(v.Rows, historyColumns(o), o), c); err != nil {
		return err
	}
	for i := range v.Rows {
		if e := v.Rows[i].Error; e != "" {
			p.lines(wrap("", "Incomplete: "+Safe(e), o.Width))
		}
	}
	return p.writeTo(w)
}

// roomy is from how many columns on a terminal has room for long headings.
const roomy = 120

func historyColumns(o Options) []column[rollout.HistoryRow] {
	str := func(name string, lv leave, f func(*rollout.HistoryRow) string) column[rollout.HistoryRow] {
		return column[rollout.HistoryRow]{name: name, leave: lv, cell: func(r *rollout.HistoryRow) cell { return text(orNone(f(r))) }}
	}
	num := func(name string, f func(*rollout.HistoryRow) int) column[rollout.HistoryRow] {
		return column[rollout.HistoryRow]{name: name, right: true, cell: func(r *rollout.HistoryRow) cell { return number(f(r)) }}
	}
	// A heading is not cut: on a narrow terminal a long one would be all there
	// is room for.
	changed := "CHANGED AGAINST THE ONE BEFORE"
	if o.fits() && o.Width < roomy {
		changed = "CHANGED"
	}
	return []column[rollout.HistoryRow]{
		str("REVISION", leave{}, func(r *rollout.HistoryRow) string {
			if r.Revision == 0 {
				return ""
			}
			return fmt.Sprint(r.Revision)
		}),
		str("ROLE", leave{}, func(r *rollout.HistoryRow) string { return r.Role }),
		str("HASH", leave{order: 2}, func(r *rollout.HistoryRow) string { return r.Hash }),
		str("AGE", leave{order: 3}, func(r *rollout.HistoryRow) string {
			if r.Created == nil {
				return ""
			}
			return age(r.Created, o.Now)
		}),
		num("PODS", func(r *rollout.HistoryRow) int { return r.Pods }),
		num("AVAILABLE", func(r *rollout.HistoryRow) int { return r.Available }),
		str(changed, leave{order: 4, cut: true}, func(r *rollout.HistoryRow) string {
			if r.Error != "" {
				return "cannot be read"
			}
			return r.Summary
		}),
		str("CHANGE-CAUSE", leave{order: 1}, func(r *rollout.HistoryRow) string {
			if o.fits() {
				return cut(r.Cause, readable) // often a whole command line
			}
			return r.Cause
		}),
	}
}

// WriteRevision writes the template of a revision as YAML. Values that may be
// secrets are redacted.
func WriteRevision(w io.Writer, rev *appsv1.ControllerRevision) error {
	t, err := RedactedTemplate(rev)
	if err != nil {
		return err
	}
	b, err := yaml.Marshal(t)
	if err != nil {
		return err
	}
	var p page
	p.line("# " + Safe(fmt.Sprintf("revision %d (%s), values redacted", rev.Revision, rev.Name)))
	for _, line := range strings.Split(strings.TrimSuffix(string(b), "\n"), "\n") {
		p.line(Safe(line)) // YAML escapes what breaks it, and not what deceives a reader
	}
	return p.writeTo(w)
}

// RedactedTemplate is the template of a revision without values that may be
// secrets.
func RedactedTemplate(rev *appsv1.ControllerRevision) (*corev1.PodTemplateSpec, error) {
	if _, err := rollout.TemplateOf(rev); err != nil {
		return nil, err // redacting would hide what is wrong with it
	}
	return rollout.TemplateOf(new(snapshot.Redactor).Revision(rev))
}

// DiffView is what changes between two revisions.
type DiffView struct {
	Context, Namespace, Name string
	From, To                 int64
	Changes                  []string
}

// WriteDiff writes what changes between two revisions, a line a change.
func WriteDiff(w io.Writer, v *DiffView, o Options) error {
	var p page
	head := fmt.Sprintf("%s: revision %d -> %d, %s", headOf(v.Namespace, v.Name, v.Context), v.From, v.To, plural(len(v.Changes), "change"))
	p.lines(wrap("", Safe(head), o.Width))
	if len(v.Changes) == 0 {
		p.line("The templates differ in " + rollout.SameTemplate + ".")
	}
	for _, c := range v.Changes {
		p.lines(wrap("    ", Safe(c), o.Width))
	}
	return p.writeTo(w)
}
