package coverage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/printers"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-ds/kubectl-ds/internal/archive"
	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/present"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// isFormat reports whether -o takes it elsewhere: who types that does not mean a
// file.
func isFormat(output string) bool {
	format, _, _ := strings.Cut(output, "=")
	return slices.Contains(cli.NewPrintFlags(nil, "table", "wide").Formats(), format)
}

type snapshotFlags struct {
	source sourceFlags
	output string
}

// snapshotOptions are what running snapshot needs.
type snapshotOptions struct {
	app    *app
	Source source
	Output string // - for standard output
}

func newSnapshotCommand(a *app, runF func(context.Context, *snapshotOptions) error) (*cobra.Command, error) {
	f := &snapshotFlags{source: sourceFlags{kube: a.kube}}
	cmd := &cobra.Command{
		Use:   "snapshot [NAME ... | ds/NAME ... | -l selector] [-n namespace | -A]",
		Short: "Save what was read, to look at it later or elsewhere with --from",
		Long: templates.LongDesc(`
			Save what a report is made from: nodes, DaemonSets, their revisions and pods, Warning events and
			namespaces. Secrets and ConfigMaps are never read.

			Replaced before anything is written: values of environment variables, the words of commands but for
			executables and names of flags, paths and headers of probes, attributes of CSI volumes. Annotations that
			no report reads are dropped. In messages and labels only what looks like a secret is masked, and names
			and images stay: read the file before you hand it on.`),
		Example: cli.Examples(`
			# Save all DaemonSets, and look at them without the cluster
			kubectl ds-coverage snapshot -A -o capture.json
			kubectl ds-coverage --from capture.json

			# Compressed
			kubectl ds-coverage snapshot -A -o capture.json.gz`),
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: a.names.Names("daemonset"),
		RunE:              runE(func(args []string) (*snapshotOptions, error) { return f.options(a, args) }, runF),
	}
	f.source.addScope(cmd.Flags())
	f.source.addJudge(cmd.Flags())
	cmd.Flags().StringVarP(&f.output, "output", "o", archive.Stdin, "File to write, gzipped if its name ends in .gz; - for standard output.")
	if err := completeSource(cmd); err != nil {
		return nil, err
	}
	return cmd, cli.RegisterFlags(cmd, map[string]cli.CompleteFunc{
		"output": cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault), // a file here, a format elsewhere
	})
}

func (f *snapshotFlags) options(a *app, args []string) (*snapshotOptions, error) {
	o := &snapshotOptions{app: a, Output: f.output}
	var err error
	if o.Source, err = f.source.options(args); err != nil {
		return nil, err
	}
	switch {
	case o.Output == "":
		return nil, cli.Usagef("-o takes a file, or - for standard output")
	case isFormat(o.Output):
		return nil, cli.Usagef("-o takes a file here, and a capture is always JSON: -o - writes it to standard output, -o ./%[1]s to a file %[1]s", o.Output)
	case o.Output == archive.Stdin && printers.IsTerminal(a.streams.Out):
		return nil, cli.Usagef("a capture is not for a terminal; name a file with -o FILE, or pipe it")
	}
	return o, nil
}

func (o *snapshotOptions) run(ctx context.Context) error {
	r, namespace, err := o.Source.open(o.app.kube, o.app.streams.In, detail{full: true, allPods: o.Source.AllNamespaces, uid: true}, nil)
	if err != nil {
		return err
	}
	p := cli.NewProgress(o.app.streams.ErrOut, o.app.clock)
	// The two passes of a report: what is saved answers what a report asks.
	an, err := o.Source.analyze(ctx, r, o.app.clock, p.Say)
	p.Done()
	if err != nil {
		return err
	}
	s := an.Snapshot
	if len(s.DaemonSets) == 0 {
		return cli.Exit(cli.Usage, errors.New(strings.TrimSuffix(noResources(ctx, r, namespace), ".")+": no capture is written; -A takes all namespaces"))
	}
	if err := o.write(s); err != nil {
		return err
	}
	_, _ = fmt.Fprintln(o.app.streams.ErrOut, o.says(s))
	return nil
}

func (o *snapshotOptions) write(s *snapshot.Snapshot) error {
	if o.Output == archive.Stdin {
		return archive.Write(o.app.streams.Out, s, archive.Options{})
	}
	return writeFile(o.Output, func(w io.Writer) error {
		return archive.Write(w, s, archive.Options{Gzip: strings.HasSuffix(o.Output, ".gz")})
	})
}

// writeFile puts a file in place whole or not at all, readable by its owner
// only: a capture tells much about a cluster. A link stays, and what it leads
// to is replaced. A device or a pipe, which no file may take the place of, is
// written to.
func writeFile(path string, write func(io.Writer) error) error {
	target, open, err := targetOf(path)
	if err != nil {
		return unwritable(err)
	}
	if open {
		return writeThrough(target, write)
	}
	return replaceFile(target, write)
}

func unwritable(err error) error {
	return fmt.Errorf("write capture: %w; choose another file with -o", err)
}

// maxLinks is how many links in a row are followed, as on Linux.
const maxLinks = 40

// targetOf is what a path leads to, also where nothing is there yet, and
// whether that is to be opened and not replaced.
func targetOf(path string) (target string, open bool, err error) {
	info, err := os.Stat(path)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return path, true, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", false, err
	}
	at := path
	for range maxLinks {
		// Split, not Dir, which takes a/../b for b also where a is a link.
		dir, name := filepath.Split(at)
		if dir, err = filepath.EvalSymlinks(cmp.Or(dir, ".")); err != nil {
			return "", false, err
		}
		at = filepath.Join(dir, name)
		if filepath.Base(dir) == "fd" && (strings.HasPrefix(dir, "/dev/") || strings.HasPrefix(dir, "/proc/")) {
			return at, true, nil // /dev/stdout: an open file, whatever its name was
		}
		link, _ := os.Readlink(at)
		if link == "" {
			return at, false, nil // no link, or nothing there
		}
		if at = link; !filepath.IsAbs(link) {
			at = dir + string(filepath.Separator) + link
		}
	}
	return "", false, &fs.PathError{Op: "open", Path: path, Err: errors.New("too many links")}
}

func writeThrough(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return unwritable(err)
	}
	err = write(f)
	if closed := f.Close(); err == nil && closed != nil {
		err = unwritable(closed)
	}
	return err
}

func replaceFile(path string, write func(io.Writer) error) (err error) {
	// CreateTemp makes files of mode 0600.
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return unwritable(err)
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return unwritable(err)
	}
	if err := f.Close(); err != nil {
		return unwritable(err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return unwritable(err)
	}
	return nil
}

// says tells what a capture holds, and what it does not.
func (o *snapshotOptions) says(s *snapshot.Snapshot) string {
	to := "to standard output"
	if o.Output != archive.Stdin {
		to = o.Output
	}
	n := func(n int, word string) string {
		if n == 1 {
			return "1 " + word
		}
		return fmt.Sprintf("%d %ss", n, word)
	}
	out := fmt.Sprintf("Wrote %s: %s, %s, %s, %s, %s. "+
		"Environment values, commands, probes and annotations are redacted; messages and labels only where they look like secrets, so read it before you hand it on.",
		to, n(len(s.Nodes), "node"), n(len(s.DaemonSets), "DaemonSet"), n(len(s.Revisions), "revision"),
		n(len(s.Pods), "pod"), n(len(s.Events), "event"))
	var failed []string
	for _, f := range s.Incomplete {
		what := f.Resource
		if f.Namespace != "" {
			what += " in " + f.Namespace
		}
		failed = append(failed, what)
	}
	if len(failed) > 0 {
		out += " Could not be read: " + strings.Join(failed, ", ") + "."
	}
	return present.Safe(out)
}
