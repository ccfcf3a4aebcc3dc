package rollout

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/drive"
	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// liveFlags complete flags by what the cluster knows of the DaemonSet and of
// its run.
func (a *app) liveFlags() map[string]cli.CompleteFunc {
	return map[string]cli.CompleteFunc{
		"image": a.images(), "to-revision": a.revisionNumbers(), "revision": a.revisionNumbers(), "diff": a.revisionPairs(),
		"wave": a.waveNumbers(), "node": a.runNodes(),
	}
}

// described is a DaemonSet that a completion is about.
type described struct {
	*appsv1.DaemonSet
	revisions func() []*appsv1.ControllerRevision // the newest first
}

// ofDaemonSet completes by what is known of the DaemonSet that the command
// line names, in the cluster or in a capture.
func (a *app) ofDaemonSet(f func(described) []string) cli.CompleteFunc {
	return a.names.Found(func(ctx context.Context, q cli.Query) []string {
		name := nameIn(q.Args)
		if name == "" {
			return nil
		}
		ds, err := q.Reader.OneDaemonSet(ctx, q.Cluster.Namespace, name)
		if err != nil || ds == nil {
			return nil
		}
		return f(described{ds, func() []*appsv1.ControllerRevision {
			revs, _ := q.Reader.Revisions(ctx, ds)
			return revs
		}})
	}, func(s *snapshot.Snapshot, args []string) []string {
		name := nameIn(args)
		named := func(d *appsv1.DaemonSet) bool {
			return d.Name == name && (!a.kube.SetNamespace() || d.Namespace == *a.kube.Namespace)
		}
		i := slices.IndexFunc(s.DaemonSets, named)
		if i < 0 || slices.ContainsFunc(s.DaemonSets[i+1:], named) {
			return nil // one in each of two namespaces is refused, too
		}
		ds := s.DaemonSets[i]
		return f(described{ds, func() []*appsv1.ControllerRevision { return rollout.NewView(s, ds.Namespace, ds.Name).Revisions }})
	})
}

// nameIn is the DaemonSet that comes first among the arguments; empty for none.
func nameIn(args []string) string {
	if len(args) == 0 {
		return ""
	}
	name, err := cli.DaemonSetName(args[0])
	if err != nil {
		return ""
	}
	return name
}

// revisionNumbers completes the number of a revision, the newest first, with
// when it was made.
func (a *app) revisionNumbers() cli.CompleteFunc {
	return a.ofDaemonSet(func(ds described) []string {
		var out []string
		for _, r := range ds.revisions() {
			out = append(out, fmt.Sprintf("%d\tfirst made %s", r.Revision, r.CreationTimestamp.UTC().Format(time.RFC3339)))
		}
		return out
	})
}

// revisionPairs completes A..B.
func (a *app) revisionPairs() cli.CompleteFunc {
	numbers := a.revisionNumbers()
	return func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		from, to, second := strings.Cut(toComplete, "..")
		if !second {
			found, directive := numbers(cmd, args, from)
			for i, w := range found {
				number, when, _ := strings.Cut(w, "\t")
				found[i] = number + "..\t" + when
			}
			return found, directive | cobra.ShellCompDirectiveNoSpace
		}
		found, directive := numbers(cmd, args, to)
		var out []string
		for _, w := range found {
			if number, _, _ := strings.Cut(w, "\t"); number != from {
				out = append(out, from+".."+w)
			}
		}
		return out, directive
	}
}

// images completes CONTAINER=IMAGE with the image that is there, to be edited.
func (a *app) images() cli.CompleteFunc {
	found := a.ofDaemonSet(func(ds described) []string {
		var out []string
		for _, c := range slices.Concat(ds.Spec.Template.Spec.Containers, ds.Spec.Template.Spec.InitContainers) {
			out = append(out, c.Name+"="+c.Image)
		}
		return out
	})
	return func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		out, directive := found(cmd, args, toComplete)
		return out, directive | cobra.ShellCompDirectiveNoSpace
	}
}

// ofRun completes by what the stored run of the DaemonSet says.
func (a *app) ofRun(f func(*rollout.Run) []string) cli.CompleteFunc {
	return a.names.Live(func(ctx context.Context, q cli.Query) []string {
		name := nameIn(q.Args)
		if name == "" {
			return nil
		}
		w, err := kube.NewWriter(q.Cluster.Config, true)
		if err != nil {
			return nil
		}
		_, run, err := drive.Find(ctx, w, q.Cluster.Namespace, name)
		if err != nil || run == nil {
			return nil
		}
		return f(run)
	})
}

// waveNumbers completes waves that are not approved yet.
func (a *app) waveNumbers() cli.CompleteFunc {
	return a.ofRun(func(run *rollout.Run) []string {
		var out []string
		begin := 0
		for i, end := range run.Waves {
			wave := i + 1
			what := fmt.Sprintf("%d nodes", end-begin)
			if end-begin == 1 {
				what = run.Members[begin].Node
			}
			if run.Because != nil && run.Because.Wave == wave {
				what += ", the run waits at it"
			}
			begin = end
			approved := slices.ContainsFunc(run.Approvals, func(a rollout.Approval) bool { return a.Wave == wave && a.Node == "" })
			if !approved {
				out = append(out, strconv.Itoa(wave)+"\t"+what)
			}
		}
		return out
	})
}

// runNodes completes nodes of a run: those that failed first, which are what
// retry and skip are for.
func (a *app) runNodes() cli.CompleteFunc {
	return a.ofRun(func(run *rollout.Run) []string {
		var out []string
		for _, f := range run.Failed {
			out = append(out, f.Node+"\tfailed")
		}
		for _, m := range run.Members {
			if !slices.ContainsFunc(run.Failed, func(f rollout.Failure) bool { return f.Node == m.Node }) && !slices.Contains(run.Skipped, m.Node) {
				out = append(out, m.Node)
			}
		}
		return out
	})
}
