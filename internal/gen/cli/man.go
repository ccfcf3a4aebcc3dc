package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// manPages are the manual pages by their file names, which begin with the
// plugin's own: man kubectl-ds_rollout-start.
func manPages(roots []*cobra.Command) map[string]string {
	out := map[string]string{}
	for _, root := range roots {
		file, short := root.Name(), strings.TrimPrefix(root.DisplayName(), "kubectl ")
		pages := pagesOf(root, nil)
		name := func(p *page) string { return file + strings.TrimPrefix(p.name, short) }
		for _, p := range pages {
			out[name(p)+".1"] = p.man(name, pages[0])
		}
	}
	return out
}

func (p *page) man(name func(*page) string, root *page) string {
	var b strings.Builder
	// No date: the same commit gives the same bytes on any day.
	fmt.Fprintf(&b, ".TH \"%s\" \"1\" \"\" \"kubectl plugins\" \"User Commands\"\n", roff(strings.ToUpper(name(p))))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(name(p)), roff(p.short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n", roff(p.usage))
	b.WriteString(".SH DESCRIPTION\n")
	for i, text := range p.long {
		if code, ok := strings.CutPrefix(text, "    "); ok {
			fmt.Fprintf(&b, ".PP\n.nf\n.RS\n%s\n.RE\n.fi\n", roff(code))
			continue
		}
		if i > 0 {
			b.WriteString(".PP\n")
		}
		b.WriteString(roff(text) + "\n")
	}
	if p.examples != "" {
		fmt.Fprintf(&b, ".SH EXAMPLES\n.nf\n%s\n.fi\n", roff(p.examples))
	}
	if len(p.flags) > 0 {
		b.WriteString(".SH OPTIONS\n")
		for _, f := range p.flags {
			fmt.Fprintf(&b, ".TP\n\\fB%s\\fR=%s\n%s\n", roff(f.name), strings.TrimPrefix(roff(f.def), `\&`), roff(f.usage))
		}
	}
	b.WriteString(".SH SEE ALSO\n")
	var also []string
	if p.parent != nil {
		also = append(also, name(p.parent))
	}
	for _, s := range p.subs {
		also = append(also, name(s))
	}
	if options := name(root) + "-options"; p != root && name(p) != options {
		also = append(also, options)
	}
	for i, n := range also {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "\\fB%s\\fR(1)", roff(n))
	}
	return b.String() + "\n"
}

// roff keeps text from being taken for requests.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "`", `\(ga`).Replace(s)
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}

// completionScripts are those that the subcommand completion prints.
func completionScripts(roots []*cobra.Command) (map[string]string, error) {
	out := map[string]string{}
	for _, root := range roots {
		for ext, gen := range map[string]func(*bytes.Buffer) error{
			"bash": func(b *bytes.Buffer) error { return root.GenBashCompletionV2(b, true) },
			"zsh":  func(b *bytes.Buffer) error { return root.GenZshCompletion(b) },
			"fish": func(b *bytes.Buffer) error { return root.GenFishCompletion(b, true) },
			"ps1":  func(b *bytes.Buffer) error { return root.GenPowerShellCompletionWithDesc(b) },
		} {
			var b bytes.Buffer
			if err := gen(&b); err != nil {
				return nil, err
			}
			out[root.Name()+"."+ext] = b.String()
		}
	}
	return out, nil
}
