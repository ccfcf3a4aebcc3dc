package rollout

import (
	"context"
	"errors"
	"time"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/drive"
	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/internal/present"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// reading is one DaemonSet as it was read, and the run about it, if any.
type reading struct {
	at    *connection // nil for a capture
	snap  *snapshot.Snapshot
	view  *rollout.View
	lease *kube.Lease
	run   *rollout.Run
	now   time.Time
}

// read reads a DaemonSet from its cluster, or from a capture, which holds no
// run.
func (a *app) read(ctx context.Context, target, from string) (*reading, error) {
	name, err := cli.DaemonSetName(target)
	if err != nil {
		return nil, err
	}
	p := &planned{}
	o := &planOptions{app: a, Name: name, From: from}
	if a.kube.SetNamespace() {
		o.Namespace = *a.kube.Namespace
	}
	r := &reading{now: a.clock()}
	progress := cli.NewProgress(a.streams.ErrOut, a.clock)
	defer progress.Done()
	if from != "" {
		if err := cli.RefuseCluster(a.kube); err != nil {
			return nil, err
		}
		if err := o.readCapture(ctx, p, progress.Say); err != nil {
			return nil, err
		}
		r.snap, r.now = p.Snapshot, p.Now
		r.view = rollout.NewView(p.Snapshot, p.DaemonSet.Namespace, p.DaemonSet.Name)
		return r, nil
	}
	if r.at, err = a.connect(target, false); err != nil {
		return nil, err
	}
	r.snap, err = r.at.reader.Read(ctx, kube.Request{
		Scope: snapshot.Scope{Namespace: r.at.Namespace, Names: []string{name}}, ClusterUID: true, Progress: progress.Say,
	})
	if err != nil {
		return nil, cli.ExplainRead(err, r.at.reader.Server(), Plugin, nil)
	}
	r.snap.Source.Context = r.at.Context
	r.now, r.view = a.clock(), rollout.NewView(r.snap, r.at.Namespace, name)
	if r.view.DaemonSet == nil {
		return nil, cli.Usagef("daemonset %q is gone", name)
	}
	r.lease, r.run, err = drive.Find(ctx, r.at.writer, r.at.Namespace, name)
	if err != nil && !errors.Is(err, drive.ErrNoRun) {
		return nil, r.at.runError(err)
	}
	r.view.LeaseGone = r.lease == nil
	return r, nil
}

// context is what screens call the cluster, or the capture of one.
func (r *reading) context() string { return contextOf(r.snap) }

func contextOf(snap *snapshot.Snapshot) string {
	s := &snap.Source
	if s.From == "" {
		return s.Context
	}
	return present.Captured(s.From, s.Context, s.TakenAt, s.TakenAtInferred)
}
