package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

const generated = "<!-- Made from the commands by make generate. -->\n"

// markdownPages are the pages by their file names, with one that lists them.
func markdownPages(roots []*cobra.Command) map[string]string {
	out := map[string]string{}
	var index strings.Builder
	index.WriteString(generated + "\n# Commands\n\nWhat `--help` says, a page a command. Flags are given after the name of the plugin: kubectl takes none before it.\n")
	for _, root := range roots {
		pages := pagesOf(root, nil)
		fmt.Fprintf(&index, "\n## %s\n\n%s\n\n| command | what it does |\n| --- | --- |\n", pages[0].command, pages[0].short+".")
		for _, p := range pages {
			fmt.Fprintf(&index, "| [%s](%s.md) | %s |\n", p.command, p.name, cell(p.short))
			out[p.name+".md"] = p.markdown(pages[0])
		}
	}
	out["README.md"] = index.String()
	return out
}

func (p *page) markdown(root *page) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n# %s\n", generated, p.command)
	for _, text := range p.long {
		if code, ok := strings.CutPrefix(text, "    "); ok {
			fmt.Fprintf(&b, "\n```\n%s\n```\n", code)
			continue
		}
		fmt.Fprintf(&b, "\n%s\n", text)
	}
	if p.examples != "" {
		fmt.Fprintf(&b, "\n## Examples\n\n```sh\n%s\n```\n", p.examples)
	}
	fmt.Fprintf(&b, "\n## Usage\n\n```\n%s\n```\n", p.usage)
	if len(p.subs) > 0 {
		b.WriteString("\n## Commands\n\n| command | what it does |\n| --- | --- |\n")
		for _, s := range p.subs {
			fmt.Fprintf(&b, "| [%s](%s.md) | %s |\n", s.command, s.name, cell(s.short))
		}
	}
	if len(p.flags) > 0 {
		b.WriteString("\n## Options\n\n| flag | default | meaning |\n| --- | --- | --- |\n")
		for _, f := range p.flags {
			fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", f.name, f.def, cell(f.usage))
		}
	}
	if !strings.HasSuffix(p.name, "-options") {
		fmt.Fprintf(&b, "\nThe flags that all commands take: [%s options](%s-options.md).\n", root.command, root.name)
	}
	return b.String()
}

// cell makes text fit a cell of a table.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "*", `\*`).Replace(s)
}
