package present

import (
	"fmt"
	"io"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
)

// Coverage writes the main screen: the context, a row a DaemonSet, a paragraph
// a cause, and the verdict as the last line.
func Coverage(w io.Writer, list *coverage.DaemonSetCoverageList, causes []coverage.Cause, o Options) error {
	var p page
	c := o.paint()
	p.lines(flow(c, o.Width, scope(list, o)...))
	if o.Quiet {
		p.lines(flow(c, o.Width, verdict(list)...))
		return p.writeTo(w)
	}
	p.lines(incomplete(list.Source, o))
	p.line("")
	rows := dsRows(list, o)
	if len(rows) > 0 {
		if err := p.table(gridOf(rows, daemonSetColumns(o), o), c); err != nil {
			return err
		}
		p.line("")
	}
	for i := range causes {
		p.lines(paragraph(&causes[i], o))
	}
	if len(causes) > 0 {
		p.line("")
	}
	if s := settling(list, o); s != "" {
		p.lines(wrap("", s, o.Width))
	}
	p.lines(flow(c, o.Width, verdict(list)...))
	return p.writeTo(w)
}

// Beside writes what a bare table leaves out: the context, what could not be
// read, and the verdict.
func Beside(w io.Writer, list *coverage.DaemonSetCoverageList, o Options) error {
	var p page
	p.lines(flow(paint{}, o.Width, scope(list, o)...))
	p.lines(incomplete(list.Source, o))
	p.lines(flow(paint{}, o.Width, verdict(list)...))
	return p.writeTo(w)
}

// contextOf names what was read: the kubeconfig context, else the file, else
// the server. The version is of the server.
func contextOf(s coverage.ReportSource) string {
	name := s.Context
	switch {
	case name != "":
	case s.From == "-":
		name = "standard input"
	case s.From != "":
		name = s.From
	case s.Server != "":
		name = strings.TrimPrefix(strings.TrimPrefix(s.Server, "https://"), "http://")
	default:
		name = "cluster"
	}
	if s.ServerVersion != "" {
		return fmt.Sprintf("%s (%s)", Safe(name), Safe(s.ServerVersion))
	}
	return Safe(name)
}

// when says when the cluster was as shown, and how that is known.
func when(s coverage.ReportSource, o Options) string {
	at := ""
	if !s.TakenAt.IsZero() {
		at = clock(s.TakenAt.Time)
	}
	switch {
	case s.From != "":
		out := "taken at " + at
		if at == "" {
			out = "taken at an unknown time"
		}
		if s.Context != "" { // else the file stands at the head of the line
			out = "from " + fromOf(s) + " " + out
		}
		if s.TakenAtInferred {
			out += " (inferred)"
		}
		return out + judged(s, at, o)
	case o.Took > 0:
		return fmt.Sprintf("read in %s at %s", took(o.Took), at) + judged(s, at, o)
	}
	return "read at " + at + judged(s, at, o)
}

// judged says as of when the verdicts are, where that is not when the cluster
// was as shown. What came after a time that lies before it is seen all the same.
func judged(s coverage.ReportSource, at string, o Options) string {
	if o.Now.IsZero() || clock(o.Now) == at || at == "" && s.From == "" {
		return ""
	}
	out := ", judged at " + clock(o.Now)
	if at != "" && s.TakenAt.Sub(o.Now) > coverage.ClockSkew {
		verb := "taken"
		if s.From == "" {
			verb = "read"
		}
		out += ", which is before it was " + verb
	}
	return out
}

// Captured names a capture, and when what it shows was so: who reads that
// nobody drives a run must not take it for now.
func Captured(from, context string, taken time.Time, inferred bool) string {
	s := coverage.ReportSource{From: from, TakenAt: &metav1.Time{Time: taken}, TakenAtInferred: inferred, Context: "-"}
	out := when(s, Options{})
	if context == "" {
		return strings.TrimPrefix(out, "from ")
	}
	return context + ", " + out
}

func fromOf(s coverage.ReportSource) string {
	if s.From == "-" {
		return "standard input"
	}
	return Safe(s.From)
}

// scope is the first line: what was read, and when.
func scope(list *coverage.DaemonSetCoverageList, o Options) []clause {
	counts := fmt.Sprintf(": %s on %s,", plural(len(list.Items), "DaemonSet"), plural(list.Summary.LiveNodes, "node"))
	return headed(list.Source, counts, o)
}

// headed says where what follows comes from, what it is, and when it was so.
func headed(s coverage.ReportSource, what string, o Options) []clause {
	return []clause{{toned(strong, contextOf(s)), text(what)}, {text(when(s, o))}}
}
