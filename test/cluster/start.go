package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// Cluster is a running control plane.
type Cluster struct {
	opts   Options
	dir    string
	lock   *FileLock
	ca     *authority
	ports  ports
	rest   *rest.Config
	client kubernetes.Interface
	spawn  *spawner

	mu        sync.Mutex
	processes map[Component]*process
	exited    chan error // the first component that ended unasked

	stopOnce sync.Once
	stopErr  error
	unwatch  func() bool
}

// Start runs a control plane and returns when it serves: the API server is
// ready, the controllers run, the scheduler has seen the cluster, and KWOK
// waits for nodes. The cluster lives until Stop, or until ctx is done. On an
// error nothing is left behind (but the folder, with Options.Keep), and the error
// holds the end of the log of the component that failed.
func Start(ctx context.Context, opts Options) (*Cluster, error) {
	opts = opts.withDefaults()
	if opts.Binaries.Dir == "" {
		bins, err := Build(ctx, BuildOptions{Progress: opts.Progress})
		if err != nil {
			return nil, err
		}
		opts.Binaries = bins
	}
	const attempts = 3
	for try := 1; ; try++ {
		c, err := startOnce(ctx, opts)
		if err == nil {
			return c, nil
		}
		var exit *ExitError
		if try < attempts && errors.As(err, &exit) && exit.portTaken() {
			say(opts.Progress, "a port was taken by another process, trying others\n")
			continue
		}
		return nil, fmt.Errorf("starting a local cluster: %w", err)
	}
}

func startOnce(ctx context.Context, opts Options) (_ *Cluster, err error) {
	began := time.Now()
	c := &Cluster{
		opts: opts, processes: map[Component]*process{},
		exited: make(chan error, 1), spawn: newSpawner(),
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Stop())
		}
	}()
	if c.dir, c.lock, err = makeDir(opts.Dir); err != nil {
		return nil, err
	}
	if c.ca, err = newAuthority(); err != nil {
		return nil, err
	}
	if c.ports, err = freePorts(); err != nil {
		return nil, err
	}
	if err := c.prepare(); err != nil {
		return nil, fmt.Errorf("writing the configuration: %w", err)
	}
	if c.client, err = kubernetes.NewForConfig(c.rest); err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	startCtx, cancel := context.WithTimeoutCause(ctx, opts.StartTimeout,
		fmt.Errorf("not ready after %s", opts.StartTimeout))
	defer cancel()
	if err := c.bringUp(startCtx); err != nil {
		return nil, err
	}
	unwatch := context.AfterFunc(ctx, func() { _ = c.Stop() })
	c.mu.Lock()
	c.unwatch = unwatch
	c.mu.Unlock()
	say(opts.Progress, "cluster is ready after %s at %s\n", time.Since(began).Round(10*time.Millisecond), c.URL())
	return c, nil
}

// bringUp starts each component when what it needs is there. The last three
// need only the API server, so they start together.
func (c *Cluster) bringUp(ctx context.Context) error {
	if err := c.run(Etcd); err != nil {
		return err
	}
	if err := c.await(ctx, Etcd, etcdHealthy("http://"+loopback(c.ports.etcd))); err != nil {
		return err
	}
	if err := c.run(APIServer); err != nil {
		return err
	}
	if err := c.await(ctx, APIServer, c.apiServerReady); err != nil {
		return err
	}
	for _, component := range []Component{ControllerManager, Scheduler, KWOK} {
		if err := c.run(component); err != nil {
			return err
		}
	}
	if err := c.await(ctx, Scheduler, httpsOK(loopback(c.ports.scheduler), "/readyz")); err != nil {
		return err
	}
	if err := c.await(ctx, KWOK, httpsOK(loopback(c.ports.kwok), "/healthz")); err != nil {
		return err
	}
	if err := c.await(ctx, ControllerManager, httpsOK(loopback(c.ports.controllerManager), "/healthz")); err != nil {
		return err
	}
	return c.await(ctx, ControllerManager, func(ctx context.Context) error {
		return c.defaultAccount(ctx, metav1.NamespaceDefault)
	})
}

// defaultAccount fails until the namespace can take pods: the ServiceAccount
// admission plugin refuses them before.
func (c *Cluster) defaultAccount(ctx context.Context, namespace string) error {
	_, err := c.client.CoreV1().ServiceAccounts(namespace).Get(ctx, "default", metav1.GetOptions{})
	return err
}

// CreateNamespace makes a namespace and waits until it can take pods.
func (c *Cluster) CreateNamespace(ctx context.Context, name string, labels map[string]string) error {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
	if _, err := c.client.CoreV1().Namespaces().Create(ctx, ns, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("creating namespace %s: %w", name, err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errors.New("no service account after 1m0s"))
	defer cancel()
	if err := await(ctx, "service account default", nil, func(ctx context.Context) error {
		return c.defaultAccount(ctx, name)
	}); err != nil {
		return fmt.Errorf("creating namespace %s: %w", name, err)
	}
	return nil
}

// run starts a component. It inherits no settings of the user's: neither a
// kubeconfig nor a home folder with one.
func (c *Cluster) run(component Component) error {
	say(c.opts.Progress, "starting %s\n", component)
	env := []string{"HOME=" + c.dir, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + c.dir}
	if v := os.Getenv("GOMAXPROCS"); v != "" {
		env = append(env, "GOMAXPROCS="+v)
	}
	p, err := c.spawn.start(component, c.opts.Binaries.Path(component), c.args(component), env, c.dir, c.LogPath(component))
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.processes[component] = p
	c.mu.Unlock()
	go c.watch(p)
	return nil
}

// watch reports a component that ends unasked.
func (c *Cluster) watch(p *process) {
	<-p.done
	if p.asked.Load() {
		return
	}
	select {
	case c.exited <- p.failure():
	default:
	}
}

// await waits for a component. The one waited for comes last, since its log is
// the one to show; any that ends is an error at once.
func (c *Cluster) await(ctx context.Context, component Component, check func(context.Context) error) error {
	c.mu.Lock()
	var procs []*process
	for name, p := range c.processes {
		if name != component && !p.asked.Load() {
			procs = append(procs, p)
		}
	}
	procs = append(procs, c.processes[component])
	c.mu.Unlock()
	return await(ctx, string(component), procs, check)
}

// makeDir makes the cluster's folder and takes its lock, which says to others
// that the folder is in use for as long as this process lives.
func makeDir(dir string) (string, *FileLock, error) {
	if dir == "" {
		sweep(os.TempDir())
		made, err := os.MkdirTemp("", tempPrefix)
		if err != nil {
			return "", nil, fmt.Errorf("making a temporary folder: %w", err)
		}
		dir = made
	} else if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return "", nil, fmt.Errorf("using folder %s: it is not empty", dir)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", nil, err
	}
	lock, err := TryLock(filepath.Join(dir, lockName))
	if err != nil {
		return "", nil, err
	}
	return dir, lock, nil
}
