package rollout

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/drive"
	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/internal/present"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// interactive reports whether a person sees the screen and can answer.
func (s *session) interactive() bool {
	return s.output.output == "" && !s.view.Quiet && s.app.terminal(s.app.streams.In) && present.TerminalWidth(s.app.streams.Out) > 0
}

// show prints how driving ended; the stream of JSON has said so.
func (s *session) show(end *drive.End) error {
	if s.output.output != "" || end.Lost || end.View == nil {
		return nil
	}
	out, flags, now := s.app.streams.Out, s.app.kube.CommandFlags(), s.app.clock()
	counts := rollout.CountRevisions(end.View, now)
	d := end.Decision
	if !s.view.Quiet { // there are lines above it
		if _, err := fmt.Fprintln(out); err != nil {
			return err
		}
	}
	switch {
	case d.Stop != nil:
		v := &present.StoppedView{
			Context: s.at.Context, Stop: d.Stop, Status: end.Status, Run: end.Run, Counts: counts,
			Keys: s.interactive() && !end.Left, CommandFlags: flags, Again: s.gatesAgain(),
		}
		if end.View.DaemonSet != nil {
			v.Choices = rollout.Choices(end.Run, end.View, now)
			if d.Stop.Because.Node != "" {
				v.Around = rollout.Compare(end.View, end.Run, d.Stop.Because.Node, now)
			}
		}
		return present.WriteStopped(out, v, s.view)
	case d.Done != nil:
		return present.WriteEnded(out, &present.EndedView{
			Context: s.at.Context, Status: end.Status, Run: end.Run, Done: d.Done, Counts: counts, CommandFlags: flags,
		}, s.view)
	case d.Wait != nil:
		return present.WritePaused(out, &present.PausedView{
			Context: s.at.Context, Status: end.Status, Run: end.Run, Counts: counts, CommandFlags: flags, Again: s.gatesAgain(),
		}, s.view)
	}
	return nil
}

// choose asks what to do with a stopped run, and takes the Lease again for it.
func (s *session) choose(ctx context.Context, end *drive.End) (more bool, err error) {
	for {
		if _, err := fmt.Fprint(s.app.streams.Out, "Choice [q]: "); err != nil {
			return false, err
		}
		answer, err := s.app.readLine(ctx)
		if ctx.Err() != nil {
			return false, s.interrupted()
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return false, err
		}
		verb, ok := map[string]rollout.Verb{"u": rollout.VerbUndo, "t": rollout.VerbRetry, "s": rollout.VerbSkip}[strings.ToLower(answer)]
		if err != nil || !ok {
			return false, nil //nolint:nilerr // the end of the input is a quit
		}
		if why := refusedChoice(rollout.Choices(end.Run, end.View, s.app.clock()), verb); why != "" {
			if _, err := fmt.Fprintln(s.app.streams.Out, present.Safe(why)); err != nil {
				return false, err
			}
			continue
		}
		s.asks, s.resumed, s.template = []rollout.Intent{{Verb: verb}}, true, nil
		if verb != rollout.VerbUndo {
			// Both leave the run at rest.
			s.asks[0].Node = end.Decision.Stop.Because.Node
			s.asks = append(s.asks, rollout.Intent{Verb: rollout.VerbResume})
		}
		t := drive.Taker{Locker: s.at.writer, Identity: s.app.identity(ctx, s.at), Before: func(now *rollout.Run) error {
			return s.at.stillShown(end.Run, now)
		}}
		s.lease, s.run, err = t.Take(ctx, s.at.Namespace, s.at.name)
		return err == nil, s.at.runError(err)
	}
}

func refusedChoice(list []rollout.Choice, verb rollout.Verb) string {
	for _, c := range list {
		if c.Verb == verb {
			return c.Because
		}
	}
	if verb == rollout.VerbUndo {
		return "nothing has changed that could be undone"
	}
	return "no node has failed"
}

// look reads the cluster before a run is gone on with: whether it is still the
// one that the run is about.
func (s *session) look(ctx context.Context, run *rollout.Run) error {
	snap, err := s.at.reader.Read(ctx, kube.Request{
		Scope: snapshot.Scope{Namespace: s.at.Namespace, Names: []string{s.at.name}}, ClusterUID: true,
	})
	if err != nil {
		return cli.ExplainRead(err, s.at.reader.Server(), Plugin, nil)
	}
	snap.Source.Context = s.at.Context
	if len(snap.DaemonSets) != 1 {
		return cli.Usagef("daemonset %s/%s is gone, and the run with it", s.at.Namespace, s.at.name)
	}
	s.ds, s.cluster, s.seen = snap.DaemonSets[0], snap.Source.ClusterUID, rollout.NewView(snap, s.at.Namespace, s.at.name)
	switch {
	case s.cluster != "" && run.ClusterUID != "" && s.cluster != run.ClusterUID:
		return cli.Usagef("run %s is of another cluster than context %q leads to: nothing was changed", run.ID, s.at.Context)
	case s.ds.UID != run.UID:
		return cli.Usagef("daemonset %s/%s was deleted and made again: run %s knows nothing of the new one; clean up: %s",
			s.at.Namespace, s.at.name, run.ID, s.at.command("recover"))
	}
	return nil
}
