package cli

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

	"github.com/kubectl-ds/kubectl-ds/internal/present"
)

// PrintFlags are kubectl's formats, and screens of ours.
type PrintFlags struct {
	*get.PrintFlags
	human []string // formats that are screens of ours
	// names lists the objects that a report is about, for -o name: they are
	// of kinds that kubectl knows, so that they can be handed to it.
	names func(runtime.Object) []runtime.Object
}

// NewPrintFlags makes the flags. names gives what -o name prints; human are
// the formats that are screens.
func NewPrintFlags(names func(runtime.Object) []runtime.Object, human ...string) *PrintFlags {
	return &PrintFlags{PrintFlags: get.NewGetPrintFlags(), names: names, human: human}
}

// Add adds -o, --template and what belongs to them.
func (f *PrintFlags) Add(cmd *cobra.Command) {
	f.TemplateFlags.AddFlags(cmd)
	fs := cmd.Flags()
	fs.StringVarP(f.OutputFormat, "output", "o", "", fmt.Sprintf(
		"Output format. One of: (%s). See custom columns [https://kubernetes.io/docs/reference/kubectl/#custom-columns], golang template [http://golang.org/pkg/text/template/#pkg-overview] and jsonpath template [https://kubernetes.io/docs/reference/kubectl/jsonpath/].",
		strings.Join(f.Formats(), ", ")))
	fs.BoolVar(f.NoHeaders, "no-headers", false, "When using the table, wide or custom-columns format, don't print headers. Other formats have none, and ignore it as kubectl does.")
}

// Formats lists what -o takes, ours first.
func (f *PrintFlags) Formats() []string {
	out := slices.Clone(f.human)
	for _, k := range f.AllowedFormats() {
		if !slices.Contains(out, k) && k != "wide" {
			out = append(out, k)
		}
	}
	return out
}

// Output is the value of -o.
func (f *PrintFlags) Output() string { return *f.OutputFormat }

// Headless is the value of --no-headers.
func (f *PrintFlags) Headless() bool { return *f.NoHeaders }

// Wide reports whether -o wide was asked for.
func (f *PrintFlags) Wide() bool { return f.Output() == "wide" }

func (f *PrintFlags) template() string { return *f.TemplateFlags.TemplateArgument }

// Screen reports whether the format is one of ours and not kubectl's.
func (f *PrintFlags) Screen() bool {
	return f.Output() == "" && f.template() == "" || slices.Contains(f.human, f.Output())
}

// Printer returns kubectl's printer of the format, nil for a screen.
func (f *PrintFlags) Printer() (printers.ResourcePrinter, error) {
	if f.Screen() {
		return nil, nil
	}
	name, _, _ := strings.Cut(f.Output(), "=")
	p, err := f.ToPrinter()
	switch {
	case genericclioptions.IsNoCompatiblePrinterError(err) || err == nil && name == "wide":
		return nil, Usagef("unknown output format %q%s; formats are %s",
			f.Output(), DidYouMean(name, f.Formats()), strings.Join(f.Formats(), ", "))
	case err != nil:
		return nil, Usagef("-o %s: %w", name, err)
	}
	return &safePrinter{ResourcePrinter: p, format: name, names: f.names}, nil
}

// safePrinter is kubectl's printer, with errors on one line, and with what
// came from the cluster made harmless where a person reads it: custom columns
// are for people, and so is whatever else but JSON and YAML on a terminal.
type safePrinter struct {
	printers.ResourcePrinter
	format string
	names  func(runtime.Object) []runtime.Object
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
		return Usagef("-o %s: %s", p.format, strings.TrimSuffix(short, `: Error executing template`))
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
	for _, o := range p.names(obj) {
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
