package coverage

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/printers"
	"k8s.io/kubectl/pkg/cmd/get"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/present"
)

// printFlags are kubectl's formats, and table for the screen.
type printFlags struct {
	*get.PrintFlags
	human []string // formats that are screens of ours
}

func newPrintFlags(human ...string) *printFlags {
	return &printFlags{PrintFlags: get.NewGetPrintFlags(), human: human}
}

func (f *printFlags) add(cmd *cobra.Command) {
	f.TemplateFlags.AddFlags(cmd)
	fs := cmd.Flags()
	fs.StringVarP(f.OutputFormat, "output", "o", "", fmt.Sprintf(
		"Output format. One of: (%s). See custom columns [https://kubernetes.io/docs/reference/kubectl/#custom-columns], golang template [http://golang.org/pkg/text/template/#pkg-overview] and jsonpath template [https://kubernetes.io/docs/reference/kubectl/jsonpath/].",
		strings.Join(f.formats(), ", ")))
	fs.BoolVar(f.NoHeaders, "no-headers", false, "When using the table, wide or custom-columns format, don't print headers. Other formats have none, and ignore it as kubectl does.")
}

// formats lists what -o takes, ours first.
func (f *printFlags) formats() []string {
	out := slices.Clone(f.human)
	for _, k := range f.AllowedFormats() {
		if !slices.Contains(out, k) && k != "wide" {
			out = append(out, k)
		}
	}
	return out
}

func (f *printFlags) output() string   { return *f.OutputFormat }
func (f *printFlags) noHeaders() bool  { return *f.NoHeaders }
func (f *printFlags) wide() bool       { return f.output() == "wide" }
func (f *printFlags) template() string { return *f.TemplateFlags.TemplateArgument }

// screen reports whether the format is one of ours and not kubectl's.
func (f *printFlags) screen() bool {
	return f.output() == "" && f.template() == "" || slices.Contains(f.human, f.output())
}

// printer returns kubectl's printer of the format, nil for a screen.
func (f *printFlags) printer() (printers.ResourcePrinter, error) {
	if f.screen() {
		return nil, nil
	}
	name, _, _ := strings.Cut(f.output(), "=")
	p, err := f.ToPrinter()
	switch {
	case genericclioptions.IsNoCompatiblePrinterError(err) || err == nil && name == "wide":
		return nil, cli.Usagef("unknown output format %q%s; formats are %s",
			f.output(), cli.DidYouMean(name, f.formats()), strings.Join(f.formats(), ", "))
	case err != nil:
		return nil, cli.Usagef("-o %s: %w", name, err)
	}
	return &safePrinter{ResourcePrinter: p, format: name}, nil
}

// safePrinter is kubectl's printer, with errors on one line, and with what
// came from the cluster made harmless where a person reads it: custom columns
// are for people, and so is whatever else but JSON and YAML on a terminal.
type safePrinter struct {
	printers.ResourcePrinter
	format string
}

// PrintObj implements printers.ResourcePrinter.
func (p *safePrinter) PrintObj(obj runtime.Object, w io.Writer) error {
	switch p.format {
	case "json":
		return p.ResourcePrinter.PrintObj(obj, w)
	case "yaml", "kyaml":
		return p.printYAML(obj, w)
	}
	var buf bytes.Buffer
	if err := p.print(obj, &buf); err != nil {
		// The rest of the message is a dump of the whole report.
		short, _, _ := strings.Cut(err.Error(), ". Printing more information")
		return cli.Usagef("-o %s: %s", p.format, strings.TrimSuffix(short, `: Error executing template`))
	}
	out := buf.Bytes()
	if strings.HasPrefix(p.format, "custom-columns") || p.format == "name" || printers.IsTerminal(w) {
		out = safeLines(out)
	}
	_, err := w.Write(out)
	return err
}

// printYAML prints what YAML can hold, and escapes the rest.
func (p *safePrinter) printYAML(obj runtime.Object, w io.Writer) error {
	var buf bytes.Buffer
	if err := p.ResourcePrinter.PrintObj(obj, &buf); err != nil {
		plain, cleanErr := unstructuredOf(obj, yamlSafe)
		if cleanErr != nil {
			return err
		}
		buf.Reset()
		if err := p.ResourcePrinter.PrintObj(plain, &buf); err != nil {
			return err
		}
	}
	_, err := w.Write(buf.Bytes())
	return err
}

func (p *safePrinter) print(obj runtime.Object, w io.Writer) error {
	if strings.HasPrefix(p.format, "custom-columns") {
		// Its printer looks at Go values, and shows a pointer as an address.
		// A line break in a cell would look like a row of its own.
		plain, err := unstructuredOf(obj, present.Safe)
		if err != nil {
			return err
		}
		return p.ResourcePrinter.PrintObj(plain, w)
	}
	if p.format != "name" {
		return p.ResourcePrinter.PrintObj(obj, w)
	}
	// The names are of objects that kubectl knows, so that they can be handed
	// to it.
	for _, o := range namesOf(obj) {
		if err := p.ResourcePrinter.PrintObj(o, w); err != nil {
			return err
		}
	}
	return nil
}

func safeLines(b []byte) []byte {
	lines := strings.Split(string(b), "\n")
	for i, line := range lines {
		cells := strings.Split(line, "\t")
		for j := range cells {
			cells[j] = present.Safe(cells[j])
		}
		lines[i] = strings.Join(cells, "\t")
	}
	return []byte(strings.Join(lines, "\n"))
}
