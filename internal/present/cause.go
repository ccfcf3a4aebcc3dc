package present

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
)

// labelled is one line of a paragraph.
type labelled struct {
	label, text string
	command     bool // holds a command that must stay on one line
}

// paragraph lays out one cause: a heading that grep finds, and labelled lines.
func paragraph(cs *coverage.Cause, o Options) []string {
	c := o.paint()
	reason := Safe(string(cs.Reason))
	heading := reason + gap + Safe(cs.Object)
	if cs.Count != "" {
		heading += gap + Safe(cs.Count)
	}
	out := wrap("", heading, o.Width)
	out[0] = strings.Replace(out[0], reason, c.text(toneOfReason(cs.Reason), reason), 1)
	ls := linesOf(cs, o)
	labels := 5
	for _, l := range ls {
		labels = max(labels, width(l.label))
	}
	const indent = "    "
	for _, l := range ls {
		head := indent + l.label + strings.Repeat(" ", labels-width(l.label)) + gap
		lay := wrap
		if l.command {
			lay = wrapCommand
		}
		lines := lay(head, Safe(l.text), o.Width)
		lines[0] = indent + c.text(info, l.label) + lines[0][len(indent)+len(l.label):]
		out = append(out, lines...)
	}
	return out
}

func linesOf(cs *coverage.Cause, o Options) []labelled {
	var ls []labelled
	for _, f := range cs.Facts {
		ls = append(ls, labelled{Safe(f.Label), f.Text, false})
	}
	if s := nodesLine(cs, o); s != "" {
		ls = append(ls, labelled{"nodes", s, false})
	}
	for _, n := range cs.Notes {
		ls = append(ls, labelled{"note", n, false})
	}
	for _, f := range cs.Fixes {
		ls = append(ls, labelled{"fix", f, true})
	}
	for _, l := range cs.Looks {
		ls = append(ls, labelled{"look", l, true})
	}
	return ls
}

// nodesLine says what the nodes share before it names them: three on a
// terminal, all elsewhere.
func nodesLine(cs *coverage.Cause, o Options) string {
	switch {
	case cs.InHeading() || len(cs.Nodes) == 0:
		return ""
	case len(cs.Nodes) == 1 && slices.ContainsFunc(cs.Facts, func(f coverage.Fact) bool { return strings.Contains(f.Text, cs.Nodes[0]) }):
		return "" // named already
	case cs.Reason == coverage.OutdatedReason && cs.Shared == "" && !o.whole():
		return "" // an update on its way: which nodes come last is chance
	}
	list := names(cs.Nodes, 3, o)
	if cs.Shared == "" {
		return list
	}
	return cs.Shared + ": " + list
}

// names joins names, the first n on a terminal.
func names(all []string, n int, o Options) string {
	rest := ""
	if !o.whole() && len(all) > n {
		rest = fmt.Sprintf(", +%d", len(all)-n)
		all = all[:n]
	}
	return strings.Join(all, ", ") + rest
}

func toneOfReason(r coverage.Reason) tone {
	row, _ := coverage.Lookup(r)
	switch row.Severity {
	case coverage.Error:
		return bad
	case coverage.Info:
		return info
	default:
		return warn
	}
}
