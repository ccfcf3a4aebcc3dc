package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// page is what is told of one command.
type page struct {
	name     string // of the page: ds-rollout-start
	command  string // as it is typed: kubectl ds-rollout start
	short    string
	long     []string // paragraphs
	examples string
	usage    string
	flags    []flagText
	parent   *page
	subs     []*page
}

// flagText is what is told of one flag.
type flagText struct{ name, def, usage string }

// pagesOf gives a page for a command and each below it, in their order.
func pagesOf(c *cobra.Command, parent *page) []*page {
	p := &page{
		name:     strings.ReplaceAll(strings.TrimPrefix(c.CommandPath(), "kubectl "), " ", "-"),
		command:  c.CommandPath(),
		short:    c.Short,
		long:     paragraphs(c.Long),
		examples: unindent(c.Example),
		usage:    usageOf(c),
		flags:    flagsOf(c.NonInheritedFlags(), c.Root().PersistentFlags()),
		parent:   parent,
	}
	if c.Name() == "options" {
		p.flags = flagsOf(c.Root().PersistentFlags(), nil)
	}
	if len(p.long) == 0 {
		p.long = []string{p.short + "."}
	}
	all := []*page{p}
	for _, sub := range c.Commands() {
		if !shown(sub) {
			continue
		}
		below := pagesOf(sub, p)
		p.subs = append(p.subs, below[0])
		all = append(all, below...)
	}
	return all
}

// shown leaves out help, which every command has. The command options is
// hidden in lists of commands, and shown under its own line there.
func shown(c *cobra.Command) bool {
	return c.Name() != "help" && (c.IsAvailableCommand() || c.Name() == "options")
}

func usageOf(c *cobra.Command) string {
	use := strings.Replace(c.UseLine(), c.Root().Name(), c.Root().DisplayName(), 1)
	if c.Parent() == nil && c.HasAvailableSubCommands() && !strings.Contains(use, "NAME") {
		use += " COMMAND"
	}
	return use + " [options]"
}

func flagsOf(fs, global *pflag.FlagSet) []flagText {
	var out []flagText
	fs.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" || global != nil && global.Lookup(f.Name) == f {
			return
		}
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		out = append(out, flagText{name, defaultOf(f), strings.Join(strings.Fields(f.Usage), " ")})
	})
	return out
}

// defaultOf is a default as the help shows it, wherever it is made.
func defaultOf(f *pflag.Flag) string {
	if f.Name == "cache-dir" {
		return "'$HOME/.kube/cache'"
	}
	if f.Value.Type() == "string" {
		return fmt.Sprintf("'%s'", f.DefValue)
	}
	return f.DefValue
}

// paragraphs takes the layout for terminals off.
func paragraphs(s string) []string {
	var out []string
	for p := range strings.SplitSeq(strings.ReplaceAll(strings.TrimSpace(s), "\t", "    "), "\n\n") {
		// What is indented is to be typed: it keeps its lines.
		if strings.HasPrefix(p, "    ") {
			out = append(out, "    "+unindent(p))
			continue
		}
		if p = strings.Join(strings.Fields(p), " "); p != "" {
			out = append(out, p)
		}
	}
	return out
}

// unindent takes the indentation of the first line off all lines.
func unindent(s string) string {
	s = strings.Trim(s, "\n")
	indent := s[:len(s)-len(strings.TrimLeft(s, " "))]
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(strings.TrimPrefix(line, indent), " ")
	}
	return strings.Join(lines, "\n")
}
