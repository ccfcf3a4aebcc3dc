package coverage

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-ds/kubectl-ds/internal/archive"
	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// findNodes checks that nodes exist. A name without its domain, as tables on a
// terminal show it, stands for the one node that it begins.
func findNodes(s *snapshot.Snapshot, names []string) ([]string, error) {
	if f, unread := s.Missing(snapshot.ResourceNodes, ""); unread && len(names) > 0 {
		return nil, nodesUnread(f)
	}
	var all []string
	for _, n := range s.Nodes {
		all = append(all, n.Name)
	}
	out := make([]string, 0, len(names))
	for _, name := range names {
		found, err := findNode(all, name)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(out, found) {
			out = append(out, found)
		}
	}
	return out, nil
}

// nodesUnread says that there is nothing to look at.
func nodesUnread(f snapshot.ReadFailure) error {
	remedy := "print the role that grants it: kubectl ds-coverage rbac"
	if f.Absent {
		remedy = "take the capture again with its nodes: " + archive.Command
	}
	return cli.Exit(cli.CannotTell, fmt.Errorf("nodes could not be read (%s); %s", f.Error, remedy))
}

func findNode(all []string, name string) (string, error) {
	if slices.Contains(all, name) {
		return name, nil
	}
	var begins []string
	for _, n := range all {
		if strings.HasPrefix(n, name+".") {
			begins = append(begins, n)
		}
	}
	switch len(begins) {
	case 1:
		return begins[0], nil
	case 0:
		hint := cli.DidYouMean(name, all)
		if hint == "" {
			hint = "; list them: kubectl get nodes"
		}
		return "", cli.Usagef("node %q not found%s", name, hint)
	}
	return "", cli.Usagef("node %q is not unique: it may be %s", name, joinComma(begins[:min(3, len(begins))]))
}

func joinComma(names []string) string { return strings.Join(names, ", ") }

// analyzeNode analyzes with all pods of one node at hand, so that the room on
// it can be computed.
func (s *source) analyzeNode(ctx context.Context, r reader, node string, clock func() time.Time, progress func(string)) (*analysis, error) {
	return s.analyzeWith(ctx, r, clock, progress, func(res *coverage.Result, m *snapshot.More) error {
		found, err := findNodes(res.Snapshot, []string{node})
		if err != nil {
			return err
		}
		// Events may say more about this pair, whether it is a gap or not.
		for i := range res.DaemonSets {
			if ns := res.DaemonSets[i].DaemonSet.Namespace; !slices.Contains(m.EventNamespaces, ns) {
				m.EventNamespaces = append(m.EventNamespaces, ns)
			}
		}
		if !slices.Contains(m.Nodes, found[0]) && !res.Snapshot.PodsComplete(found[0]) {
			m.Nodes = append(m.Nodes, found[0])
		}
		return nil
	})
}
