package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// Stdin is the path that stands for standard input.
const Stdin = "-"

// Read makes a snapshot of the capture at path: a file, a folder of `kubectl
// cluster-info dump --output-directory`, or Stdin. DaemonSets and their
// revisions are those in scope; nodes, pods and events are all there are.
//
// AllPods of the snapshot is what the capture's header says; without a header
// see allPods.
func Read(ctx context.Context, path string, stdin io.Reader, scope snapshot.Scope) (*snapshot.Snapshot, error) {
	c := newCollector(ctx, scope)
	name := path
	if path == Stdin {
		name = "from standard input"
	}
	snap, err := c.read(path, stdin)
	if err != nil {
		if ctx.Err() != nil {
			// Whatever it looked like, it was this.
			return nil, fmt.Errorf("read capture %s: %w", name, context.Cause(ctx))
		}
		return nil, fmt.Errorf("read capture %s: %w", name, err)
	}
	snap.Source.From = path
	return snap, nil
}

func (c *collector) read(path string, stdin io.Reader) (*snapshot.Snapshot, error) {
	if path == Stdin {
		if stdin == nil {
			return nil, errors.New("there is no standard input; pass a file")
		}
		if err := c.blocking(stdin); err != nil {
			return nil, err
		}
		return c.finish()
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, plain(err)
	case info.IsDir():
		err = c.folder(path)
	default:
		err = c.file(path)
	}
	if err != nil {
		return nil, err
	}
	return c.finish()
}

func (c *collector) file(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return plain(err)
	}
	defer func() { _ = f.Close() }() // it was only read
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return c.blocking(f) // a pipe, as of <(kubectl ...)
	}
	return c.from(f)
}

// blocking reads from what may keep a reader waiting for ever.
func (c *collector) blocking(r io.Reader) error {
	r, stop := interruptible(c.ctx, r)
	defer stop()
	return c.from(r)
}

func (c *collector) from(r io.Reader) error {
	in, err := sniff(c.ctx, r)
	if err != nil {
		return plain(err)
	}
	switch in.format {
	case formatEmpty:
		return remedy("the input is empty")
	case formatJSON:
		err = newStream(c, in.r, in.skipped, 0).documents()
	case formatYAML:
		err = c.yamlDocuments(in.r)
	}
	return plain(err)
}

// plain takes the path out of an error of the file system: it is in the
// message already. That there is no file has the same words on all systems.
func plain(err error) error {
	var pe *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fs.ErrNotExist
	case errors.As(err, &pe):
		return pe.Err
	}
	return err
}

// systemNamespaces exist in every cluster. A dump that has the folders of all
// three was made with --all-namespaces; without it kubectl takes kube-system
// and the current namespace only.
var systemNamespaces = []string{"kube-system", "kube-public", "kube-node-lease"}

// folder reads the files of a dump: those of the folder itself and of its
// folders, one a namespace. What lies deeper are logs.
func (c *collector) folder(path string) error {
	read := 0
	err := filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := c.ctx.Err(); err != nil {
			return err
		}
		depth := levels(path, p)
		if d.IsDir() {
			if depth > 1 {
				return fs.SkipDir
			}
			return nil
		}
		switch filepath.Ext(p) {
		case ".json", ".yaml", ".yml":
		default:
			return nil
		}
		if info, err := os.Stat(p); err != nil || !info.Mode().IsRegular() {
			return err
		}
		read++
		if err := c.file(p); err != nil {
			rel, _ := filepath.Rel(path, p)
			return fmt.Errorf("%s: %w", printable(rel), err)
		}
		return nil
	})
	if err != nil {
		return plain(err)
	}
	if read == 0 {
		return fmt.Errorf("the folder holds no .json or .yaml files; pass a folder made with: kubectl cluster-info dump --all-namespaces --output-directory %s", path)
	}
	for _, ns := range systemNamespaces {
		if info, err := os.Stat(filepath.Join(path, ns)); err != nil || !info.IsDir() {
			c.someNamespaces = true
		}
	}
	return nil
}

// levels is how many folders p lies below root.
func levels(root, p string) int {
	rel, err := filepath.Rel(root, p)
	if err != nil || rel == "." {
		return 0
	}
	n := 1
	for i := range len(rel) {
		if os.IsPathSeparator(rel[i]) {
			n++
		}
	}
	return n
}
