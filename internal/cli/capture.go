package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/kubectl-ds/kubectl-ds/internal/archive"
	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// Capture is a saved capture, and what of it is asked for.
type Capture struct {
	Path        string
	Stdin       io.Reader
	Scope       snapshot.Scope
	Subcommands []string // what a mistyped name may have meant
}

// Read reads it. A name of the scope that is not there is an error.
func (r *Capture) Read(ctx context.Context) (*snapshot.Snapshot, error) {
	scope := r.Scope
	if len(scope.Names) > 0 {
		// All of them, since a name that is not there is answered with near
		// ones, and standard input can be read once only.
		scope = snapshot.Scope{}
	}
	s, err := archive.Read(ctx, r.Path, r.Stdin, scope)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		return nil, Usagef("%w; check the path after --from", err)
	case err != nil:
		return nil, err
	}
	if err := r.checkNames(s); err != nil {
		return nil, err
	}
	kept := s.DaemonSets[:0]
	for _, d := range s.DaemonSets {
		if r.Scope.Match(d) {
			kept = append(kept, d)
		}
	}
	clear(s.DaemonSets[len(kept):])
	s.DaemonSets = kept
	return s, nil
}

func (r *Capture) checkNames(s *snapshot.Snapshot) error {
	for _, name := range r.Scope.Names {
		var here, elsewhere []string
		found := false
		for _, d := range s.DaemonSets {
			switch {
			case r.Scope.Namespace != "" && d.Namespace != r.Scope.Namespace:
				if d.Name == name {
					elsewhere = append(elsewhere, d.Namespace+"/"+d.Name)
				}
			case d.Name == name:
				found = true
			default:
				here = append(here, d.Name)
			}
		}
		if !found {
			return NotFound(&kube.NotFoundError{
				Namespace: r.Scope.Namespace, Name: name, Existing: slices.Concat(here, elsewhere),
			}, r.Subcommands, r.has(s))
		}
	}
	return nil
}

// has says where what is there can be seen: a cluster is not the capture.
func (r *Capture) has(s *snapshot.Snapshot) string {
	const most = 3
	var all []string
	for _, d := range s.DaemonSets {
		all = append(all, d.Namespace+"/"+d.Name)
	}
	slices.Sort(all)
	switch n := len(all) - most; {
	case len(all) == 0:
		return "the capture has no DaemonSet"
	case n > 0:
		all = append(all[:most], fmt.Sprintf("+%d", n))
	}
	return "the capture has " + strings.Join(all, ", ")
}

// RefuseCluster refuses flags that name a cluster beside --from: one of them
// would be ignored, and the reader could not tell which.
func RefuseCluster(kube *KubeFlags) error {
	for _, c := range []struct {
		flag  string
		value *string
	}{{"--context", kube.Context}, {"--server", kube.APIServer}, {"--cluster", kube.ClusterName}} {
		if c.value != nil && *c.value != "" {
			return Usagef("--from reads a capture and %s names a cluster: leave one of them out", c.flag)
		}
	}
	return nil
}
