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
)

// liveFlags complete flags by what the cluster knows of the DaemonSet and of
// its run.
func (a *app) liveFlags() map[string]cli.CompleteFunc {
	return map[string]cli.CompleteFunc{
		"image": a.images(), "to-revision": a.revisionNumbers(), "revision": a.revisionNumbers(), "diff": a.revisionPairs(),
		"wave": a.waveNumbers(), "node": a.runNodes(),
	}
}

// ofDaemonSet completes by what is known of the DaemonSet that the command
// line names.
func (a *app) ofDaemonSet(f func(context.Context, cli.Query, *appsv1.DaemonSet) []string) cli.CompleteFunc {
	return a.names.Live(func(ctx context.Context, q cli.Query) []string {
		if len(q.Args) == 0 {
			return nil
		}
		name, err := cli.DaemonSetName(q.Args[0])
		if err != nil {
			return nil
		}
		ds, err := q.Reader.OneDaemonSet(ctx, q.Cluster.Namespace, name)
		if err != nil || ds == nil {
			return nil
		}
		return f(ctx, q, ds)
	})
}

// revisionNumbers completes the number of a revision, the newest first, with
// when it was made.
func (a *app) revisionNumbers() cli.CompleteFunc {
	return a.ofDaemonSet(func(ctx context.Context, q cli.Query, ds *appsv1.DaemonSet) []string {
		revs, _ := q.Reader.Revisions(ctx, ds)
		out := make([]string, 0, len(revs))
		for _, r := range revs {
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
	found := a.ofDaemonSet(func(_ context.Context, _ cli.Query, ds *appsv1.DaemonSet) []string {
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
		if len(q.Args) == 0 {
			return nil
		}
		name, err := cli.DaemonSetName(q.Args[0])
		if err != nil {
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
