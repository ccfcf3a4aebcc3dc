package rollout

import (
	"cmp"
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/drive"
	"github.com/kubectl-ds/kubectl-ds/internal/gates"
	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/internal/present"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// session drives a run whose Lease this process holds.
type session struct {
	app      *app
	at       *connection
	ds       *appsv1.DaemonSet
	cluster  types.UID
	policy   *rollout.Policy // with what gates run
	lease    *kube.Lease
	run      *rollout.Run
	taken    time.Time // when the write was sent that took the Lease; zero: some time ago
	ahead    *watching // begun before there was a Lease; nil for none
	template *corev1.PodTemplateSpec
	resumed  bool
	asks     []rollout.Intent // what this command asks of the run first
	output   streamFlags
	view     present.Options
	seen     *rollout.View // before it is gone on with
	who      string
	gates    *gates.Runner // what it has seen of a node counts also where that is tried again
}

// drive returns when the run has ended, rests, or is lost, with the exit code
// that says which. At a terminal a stopped run asks what to do.
func (s *session) drive(ctx context.Context) error {
	for {
		end, err := s.once(ctx)
		if err != nil {
			return err
		}
		if err := s.show(end); err != nil {
			return err
		}
		asks := end.Decision.Stop != nil && end.Decision.Stop.Resumable && !end.Left && s.interactive()
		if !asks {
			return s.codeOf(end)
		}
		if more, err := s.choose(ctx, end); err != nil || !more {
			return cmp.Or(err, s.codeOf(end))
		}
	}
}

// once drives until the run ends, rests, stops, or is lost.
func (s *session) once(ctx context.Context) (*drive.End, error) {
	// The first interrupt lets nodes in flight land; the second ends the
	// process, which leaves a run that can be resumed.
	leave := ctx.Done()
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	live, err := s.watch(ctx)
	if err != nil {
		return nil, s.undriven(ctx, err)
	}
	defer live.stop()
	if err := live.Sync(ctx); err != nil {
		return nil, s.undriven(ctx, err)
	}
	if s.gates == nil {
		if s.gates, err = gates.New(s.policy, s.at.reader, gates.Options{Env: s.app.environ()}); err != nil {
			return nil, s.undriven(ctx, err)
		}
	}
	zones, err := zonesOf(s.policy)
	if err != nil {
		return nil, err
	}
	view, err := s.output.open(s, cancel)
	if err != nil {
		return nil, s.undriven(ctx, err)
	}
	asks := make(chan rollout.Intent, 8)
	for _, in := range s.asks {
		asks <- in
	}
	end, err := drive.Run(ctx, drive.Config{
		Policy: s.policy, Cluster: live.Live, Writer: s.at.writer, Locker: s.at.writer, Gates: s.gates, Watcher: view,
		Lease: s.lease, Taken: s.taken, Listed: live.begun, Run: s.run, Template: s.template, Zones: zones, Resumed: s.resumed,
		Stay: view.stays(), Asks: view.asks(asks), Leave: view.leave(leave), Who: s.who,
	})
	if closed := view.close(); closed != nil && err == nil {
		_, _ = fmt.Fprintf(s.app.streams.ErrOut, "note: not everything could be shown: %s\n", present.Safe(closed.Error()))
	}
	if err != nil {
		return nil, s.undriven(ctx, err)
	}
	s.run, s.taken = end.Run, time.Time{}
	return end, nil
}

// watch gives the watches that were begun ahead, once, else new ones.
func (s *session) watch(ctx context.Context) (*watching, error) {
	w := s.ahead.ifFresh(time.Now())
	if s.ahead = nil; w != nil {
		return w, nil
	}
	return s.at.watch(ctx, s.ds, s.cluster)
}

// codeOf makes the exit code of how driving ended.
func (s *session) codeOf(end *drive.End) error {
	code := 0
	switch d := end.Decision; {
	case end.Lost:
		return cli.Exit(cli.Locked, fmt.Errorf("run %s is driven by somebody else now; watch it: %s", s.run.ID, s.at.command("status -w")))
	case d.Stop != nil:
		code = d.Stop.Exit
	case d.Done != nil:
		code = d.Done.Exit
	case d.Wait != nil:
		code = d.Wait.Exit
	}
	if end.Left && end.Decision.Wait != nil {
		code = cli.Interrupted
	}
	if code == 0 {
		return nil
	}
	return cli.Exit(code, nil)
}

func zonesOf(p *rollout.Policy) (map[string]*time.Location, error) {
	out := map[string]*time.Location{}
	for _, s := range p.Windows {
		w, err := rollout.ParseWindow(s)
		if err != nil {
			return nil, cli.Usagef("%w", err)
		}
		if out[w.Zone], err = loadZone(w.Zone); err != nil {
			return nil, err
		}
	}
	return out, nil
}
