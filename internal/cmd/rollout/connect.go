package rollout

import (
	"context"
	"os/user"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/drive"
	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// connection is one DaemonSet of one cluster, and the ways to it.
type connection struct {
	*cli.Cluster
	name   string // of the DaemonSet
	flags  string // that printed commands repeat
	reader *kube.Reader
	writer *kube.Writer
	before *kube.Preflight
	user   string // that the cluster sees, once it was asked
}

// connect finds the cluster; it sends nothing yet.
func (a *app) connect(target string, dryRun bool) (*connection, error) {
	name, err := cli.DaemonSetName(target)
	if err != nil {
		return nil, err
	}
	cluster, err := a.kube.Cluster()
	if err != nil {
		return nil, err
	}
	c := &connection{Cluster: cluster, name: name, flags: a.kube.CommandFlags()}
	if c.reader, err = kube.NewReader(cluster.Config); err == nil {
		if c.writer, err = kube.NewWriter(cluster.Config, dryRun); err == nil {
			c.before, err = kube.NewPreflight(cluster.Config)
		}
	}
	if err != nil {
		return nil, kube.Explain(err, cluster.Config.Host)
	}
	return c, nil
}

// explain makes one line of an error of the cluster.
func (c *connection) explain(err error) error { return kube.Explain(err, c.Config.Host) }

// who is the user that the cluster sees, else the one of this host.
func (c *connection) who(ctx context.Context) string {
	if c.user == "" {
		c.user, _ = c.before.User(ctx)
	}
	if c.user != "" {
		return c.user
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}

func (a *app) identity(ctx context.Context, c *connection) drive.Identity {
	host, err := a.hostname()
	if err != nil {
		host = "unknown"
	}
	return drive.NewIdentity(c.who(ctx), host)
}

// find is the run of the DaemonSet and its Lease.
func (c *connection) find(ctx context.Context) (*kube.Lease, *rollout.Run, error) {
	l, run, err := drive.Find(ctx, c.writer, c.Namespace, c.name)
	return l, run, c.runError(err)
}
