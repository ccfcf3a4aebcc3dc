package rollout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	policyv1 "k8s.io/api/policy/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/gates"
	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// planned is a plan and all that it was made from: what start goes on with.
type planned struct {
	Plan      *rollout.Plan
	Policy    *rollout.Policy    // as asked for, with the commands of its gates, without defaults
	DaemonSet *appsv1.DaemonSet  // whole, as read last
	Snapshot  *snapshot.Snapshot // its DaemonSet is the whole one
	View      *rollout.View      // of the template that is there
	Change    *change
	ChangedBy string
	ChangedAt time.Time
	Now       time.Time
	Live      *clients // nil for a capture
}

// clients are how to reach the cluster of a plan.
type clients struct {
	Cluster   *cli.Cluster
	Reader    *kube.Reader
	Preflight *kube.Preflight
	// Denied, Budgets and Lease are what preflight found. OddLease says what
	// is wrong with a Lease that is there and cannot be read.
	Denied  []string
	Budgets []*policyv1.PodDisruptionBudget
	// BudgetPods are those of budgets that are never met, for a drain.
	BudgetPods rollout.BudgetPods
	Lease      *kube.Lease // nil for none
	OddLease   string
}

// make reads and plans; nothing is written. Gates that cannot be asked, as for
// an expression that does not compile, are found before anything is read.
func (o *planOptions) make(ctx context.Context) (*planned, error) {
	if _, err := gates.New(o.Policy, nil, gates.Options{Env: o.app.environ()}); err != nil {
		return nil, cli.Usagef("%w", oneByOne(err))
	}
	progress := cli.NewProgress(o.app.streams.ErrOut, o.app.clock)
	p, err := o.read(ctx, progress.Say)
	progress.Done()
	if err != nil {
		return nil, err
	}
	if p.View.Unread != "" {
		return nil, cli.Exit(cli.CannotTell, fmt.Errorf("a plan needs what could not be read: %s; %s", p.View.Unread, o.wayToRead()))
	}
	at := &live{ds: p.DaemonSet, revisions: p.View.Revisions}
	if p.Change, err = o.Change.change(at, o.app.streams.In, p.Now); err != nil {
		return nil, err
	}
	if p.Plan, err = rollout.MakePlan(p.View, o.Policy, o.input(p)); err != nil {
		return nil, cli.Usagef("%w", o.asFlags(err))
	}
	p.amend()
	if err := o.tryGates(ctx, p); err != nil {
		return nil, err
	}
	p.ChangedBy, p.ChangedAt = changedBy(p.DaemonSet, p.View.Revisions)
	if p.Change.template == nil {
		p.Change.words = wordsSince(p.View, p.Plan.From)
	}
	return p, nil
}

func (o *planOptions) wayToRead() string {
	if o.From != "" {
		return "take the capture again: kubectl ds-coverage snapshot"
	}
	return "print the role that grants it: kubectl " + Plugin + " rbac"
}

// read fills in what a plan is made from.
func (o *planOptions) read(ctx context.Context, progress func(string)) (*planned, error) {
	p := &planned{Policy: o.Policy}
	var err error
	if o.From != "" {
		err = o.readCapture(ctx, p, progress)
	} else {
		err = o.readLive(ctx, p, progress)
	}
	if err != nil {
		return nil, err
	}
	p.View = rollout.NewView(p.Snapshot, p.DaemonSet.Namespace, p.DaemonSet.Name)
	return p, nil
}

func (o *planOptions) readCapture(ctx context.Context, p *planned, progress func(string)) error {
	progress("the capture")
	c := cli.Capture{Path: o.From, Stdin: o.app.streams.In, Scope: snapshot.Scope{Namespace: o.Namespace, Names: []string{o.Name}}}
	var err error
	if p.Snapshot, err = c.Read(ctx); err != nil {
		return err
	}
	p.Now = p.Snapshot.Source.TakenAt
	if p.Now.IsZero() {
		p.Now = o.app.clock()
	}
	p.DaemonSet, err = o.only(p.Snapshot)
	return err
}

// only is the one DaemonSet that was named.
func (o *planOptions) only(s *snapshot.Snapshot) (*appsv1.DaemonSet, error) {
	switch len(s.DaemonSets) {
	case 0: // deleted while it was read
		return nil, cli.Usagef("daemonset %q is gone", o.Name)
	case 1:
		return s.DaemonSets[0], nil
	}
	var in []string
	for _, d := range s.DaemonSets {
		in = append(in, d.Namespace)
	}
	return nil, cli.Usagef("daemonset %q exists in %s; choose one: -n %s", o.Name, strings.Join(in, " and "), in[0])
}

func (o *planOptions) readLive(ctx context.Context, p *planned, progress func(string)) error {
	c, err := o.app.kube.Cluster()
	if err != nil {
		return err
	}
	p.Live = &clients{Cluster: c}
	if p.Live.Reader, err = kube.NewReader(c.Config); err != nil {
		return kube.Explain(err, c.Config.Host)
	}
	if p.Live.Preflight, err = kube.NewPreflight(c.Config); err != nil {
		return kube.Explain(err, c.Config.Host)
	}
	namespace := o.Namespace
	if namespace == "" {
		namespace = c.Namespace
	}
	// Neither needs the other, and permissions are many small requests.
	asking, stop := context.WithCancel(ctx)
	defer stop()
	asked := make(chan error, 1)
	go func() { asked <- p.Live.preflight(asking, o.Policy, namespace, o.Name, progress) }()
	if err = o.readCluster(ctx, p, namespace, progress); err != nil {
		stop()
	} else if o.found != nil {
		o.found(p)
	}
	err = cmp.Or(err, <-asked)
	var exit *cli.ExitError
	if err != nil && !errors.As(err, &exit) {
		err = cli.ExplainRead(err, p.Live.Reader.Server(), Plugin, nil)
	}
	p.Now = o.app.clock()
	return err
}

func (o *planOptions) readCluster(ctx context.Context, p *planned, namespace string, progress func(string)) (err error) {
	r := p.Live.Reader
	p.Snapshot, err = r.Read(ctx, kube.Request{
		Scope:   snapshot.Scope{Namespace: namespace, Names: []string{o.Name}},
		AllPods: countsPods(o.Policy), ClusterUID: true, Progress: progress,
	})
	if err != nil {
		return err
	}
	p.Snapshot.Source.Context = p.Live.Cluster.Context
	first, err := o.only(p.Snapshot)
	if err != nil {
		return err
	}
	if p.DaemonSet, err = r.WholeDaemonSet(ctx, namespace, o.Name); err != nil {
		return err
	}
	if first.UID != p.DaemonSet.UID {
		return cli.Usagef("daemonset %s/%s was deleted and made again while it was read: try again", namespace, o.Name)
	}
	p.Snapshot.DaemonSets[0] = p.DaemonSet
	return nil
}

// input is what a plan needs beside view and policy.
func (o *planOptions) input(p *planned) rollout.PlanInput {
	in := rollout.PlanInput{Now: p.Now, Template: p.Change.template, TargetHash: p.Change.hash, OwnNode: o.ownNode(p.Snapshot), PodsOn: podsOn(p.Snapshot)}
	if p.Live != nil {
		in.Denied, in.Budgets, in.BudgetPods = p.Live.Denied, p.Live.Budgets, p.Live.BudgetPods
		in.HeldBy, in.HeldFix = o.held(p)
		in.Terminal = o.app.terminal(o.app.streams.In)
	}
	return in
}

// ownNode is the node that this process runs on, as NODE_NAME of the downward
// API or the host's name tells; its turn comes last.
func (o *planOptions) ownNode(s *snapshot.Snapshot) string {
	host, err := o.app.hostname()
	if err != nil {
		host = ""
	}
	for _, n := range s.Nodes {
		if n.Name == o.app.getenv("NODE_NAME") || n.Name == host {
			return n.Name
		}
	}
	return ""
}

// podsOn counts the pods that hold a place on each node.
func podsOn(s *snapshot.Snapshot) map[string]int {
	out := map[string]int{}
	for i := range s.Pods {
		if p := &s.Pods[i]; p.Node != "" && !p.Terminal() {
			out[p.Node]++
		}
	}
	return out
}
