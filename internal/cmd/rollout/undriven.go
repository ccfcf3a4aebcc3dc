package rollout

import (
	"context"
	"fmt"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/drive"
	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// undriven is the end by an error: where nothing was changed yet the Lease
// goes, else the run stays, free for whoever resumes it.
func (s *session) undriven(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return s.interrupted()
	}
	err = s.at.explain(err)
	l, run, found := drive.Find(ctx, s.at.writer, s.at.Namespace, s.at.name)
	stands := "the run stays as it is"
	switch {
	case found != nil || run.ID != s.run.ID:
	case run.Phase == rollout.Arming:
		var untouched bool
		if stands, untouched = s.stands(ctx); untouched && s.at.writer.DeleteLease(ctx, l) == nil {
			return fmt.Errorf("%w; nothing was changed", err)
		}
		s.letGo(ctx, l)
		return fmt.Errorf("%w; %s; go on with: %s; or clean up: %s", err, stands, s.resumeCommand(), s.at.command("recover"))
	default:
		s.letGo(ctx, l)
	}
	return fmt.Errorf("%w; %s, go on with: %s", err, stands, s.resumeCommand())
}

// letGo is a courtesy: the Lease runs out by itself.
func (s *session) letGo(ctx context.Context, l *kube.Lease) {
	if l.Holder != s.lease.Holder {
		return
	}
	free := *l
	free.Holder, free.Host = "", ""
	_, _ = s.at.writer.UpdateLease(ctx, &free)
}

// stands says how the DaemonSet is now, where its run is stored as one that
// has not armed it yet: the write that arms may have been the last to go
// through.
func (s *session) stands(ctx context.Context) (words string, untouched bool) {
	ds, err := s.at.reader.WholeDaemonSet(ctx, s.at.Namespace, s.at.name)
	switch {
	case err != nil:
		return "whether the DaemonSet was armed cannot be read", false
	case ds.UID == s.ds.UID && ds.Annotations[rollout.ArmAnnotation] == s.ds.Annotations[rollout.ArmAnnotation]:
		return "nothing was changed, and the Lease of the run could not be deleted", true // arming always notes its run there
	}
	words = "the DaemonSet is armed by the run: updateStrategy is " + string(ds.Spec.UpdateStrategy.Type) + ", it was " + s.run.Original
	if s.run.Change {
		words += ", and the new template is there"
	}
	return words + "; no pod was deleted", false
}

// interrupted is the end at once, by a person: what was stored stays, and
// nothing more is sent.
func (s *session) interrupted() error {
	return cli.Exit(cli.Interrupted, fmt.Errorf("interrupted; the run stays as it is, go on with: %s", s.resumeCommand()))
}
