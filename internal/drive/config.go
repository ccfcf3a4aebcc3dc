package drive

import (
	"context"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-ds/kubectl-ds/internal/gates"
	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// How a driver keeps its Lease. A holder that could not renew for as long as
// the deadline stops before anybody else can take the Lease, whose duration
// is longer (client-go tools/leaderelection, v0.37.2, has the same order).
const (
	LeaseDuration = 30 * time.Second
	renewDeadline = 20 * time.Second
	renewEvery    = 5 * time.Second
	// requestTimeout bounds one request, so that one that hangs leaves time
	// to renew.
	requestTimeout = 8 * time.Second
)

// Live is the cluster as watches tell of it.
type Live interface {
	Snapshot(now time.Time) *snapshot.Snapshot
	Changed() <-chan struct{}
	Ready() <-chan struct{}
	Lease() (*kube.Lease, error)
}

// Looker reads past the watches.
type Looker interface {
	Look(ctx context.Context, base *snapshot.Snapshot, looks ...rollout.Look) (*snapshot.Snapshot, error)
	Poll(ctx context.Context) error
}

// Follower watches whole nodes, and takes in what writes returned.
type Follower interface {
	Follow(nodes []string)
	Learn(o runtime.Object)
}

// Cluster is all of it; *kube.Live is one.
type Cluster interface {
	Live
	Looker
	Follower
}

// Writer changes the cluster; *kube.Writer is one.
type Writer interface {
	Do(ctx context.Context, ds *appsv1.DaemonSet, a rollout.Action) (runtime.Object, error)
	Event(ctx context.Context, e *corev1.Event) error
}

// Locker reads and writes the Lease; *kube.Writer is one.
type Locker interface {
	Lease(ctx context.Context, namespace, name string) (*kube.Lease, error)
	UpdateLease(ctx context.Context, l *kube.Lease) (*kube.Lease, error)
	DeleteLease(ctx context.Context, l *kube.Lease) error
}

// Gates asks what the snapshot does not hold; *gates.Runner is one.
type Gates interface {
	Ask(ctx context.Context, q gates.Question) gates.Answer
	Begin(ctx context.Context, node *rollout.NodeView)
	Again(ctx context.Context, node *rollout.NodeView)
	Forget(node string)
}

// Watcher is told what happens, in order, from one goroutine.
type Watcher interface {
	Event(e rollout.Event)
	// Look comes after every decision.
	Look(s *rollout.Status, d rollout.Decision)
}

// Config is what a driver needs. Lease is one that it holds, and Run what is
// stored in it.
type Config struct {
	Policy   *rollout.Policy // with what gates run
	Cluster  Cluster
	Writer   Writer
	Locker   Locker
	Gates    Gates
	Watcher  Watcher
	Lease    *kube.Lease
	Run      *rollout.Run
	Taken    time.Time               // when the write of Lease was sent, with its monotonic time; zero: not known
	Listed   time.Time               // when the first lists of Cluster were begun; zero: not known
	Template *corev1.PodTemplateSpec // that the run is to bring; nil for none
	Zones    map[string]*time.Location
	// Resumed tells that the run was begun by another process.
	Resumed bool
	// Stay waits where the run is paused, for what Asks brings: there is a
	// terminal. Else driving ends there. A stopped run ends it in any case.
	Stay bool
	// Asks are what the person at this terminal wants. Their run, id and time
	// are filled in.
	Asks <-chan rollout.Intent
	// Leave, closed, asks to let nodes in flight land and then end, resumable.
	Leave <-chan struct{}
	Who   string // for intents of this terminal
}

// End is how driving ended.
type End struct {
	// Decision is a Stop, a Done, or a Wait that rests; none of them where the
	// lock was lost.
	Decision rollout.Decision
	Lost     bool
	Left     bool // because Leave was closed
	Run      *rollout.Run
	Status   *rollout.Status
	View     *rollout.View // as last seen
}
