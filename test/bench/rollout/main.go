// Command rollout measures kubectl ds-rollout on the real control plane
// against the DaemonSet controller's own RollingUpdate: the same DaemonSet, the
// same ceiling, no soak and no gates, each begun by one kubectl command. Pairs
// alternate within one run; medians and their spread are printed, and nothing
// passes or fails by absolute time.
//
// How long a kubelet takes for a pod decides what is measured. Where it takes
// no time at all, the processors of this machine are the limit, which the
// control plane, the simulated kubelets and the command share: so processor
// time is printed, too.
package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-ds/kubectl-ds/test/cluster"
	"github.com/kubectl-ds/kubectl-ds/test/cluster/simnode"
	"github.com/kubectl-ds/kubectl-ds/test/kubectl"
)

const (
	namespace = "default"
	name      = "agent"
	manager   = "kubectl-bench" // a person's: what a controller owns is not rolled without asking
)

func main() {
	nodes := flag.Int("nodes", 200, "simulated nodes")
	ceiling := flag.Int("max-unavailable", 10, "nodes that may be unavailable")
	pairs := flag.Int("pairs", 5, "pairs of updates, alternating")
	kubelets := []time.Duration{2 * time.Second, 0}
	flag.Func("kubelet", "how long a kubelet takes for a pod: half of it to end the old one, half until the new one is ready; several, separated by commas (default 2s,0s)", func(s string) error {
		kubelets = nil
		for t := range strings.SplitSeq(s, ",") {
			d, err := time.ParseDuration(t)
			if err != nil {
				return err
			}
			kubelets = append(kubelets, d)
		}
		return nil
	})
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, time.Hour)
	defer cancel()
	for _, k := range kubelets {
		if err := run(ctx, &bench{nodes: *nodes, ceiling: *ceiling, kubelet: k}, *pairs); err != nil {
			fmt.Fprintf(os.Stderr, "error: %v\n", err)
			os.Exit(1)
		}
	}
}

// bench is a control plane with a DaemonSet.
type bench struct {
	cluster *cluster.Cluster
	client  kubernetes.Interface
	kubectl *kubectl.Kubectl
	nodes   int
	ceiling int
	kubelet time.Duration
}

// took is what one update cost.
type took struct {
	available time.Duration // until the last pod was
	whole     time.Duration // until the command had ended
	cluster   time.Duration // processor time of the control plane and its kubelets
	command   time.Duration // processor time of the command
}

func run(ctx context.Context, b *bench, pairs int) error {
	var native, ours []took
	// The audit log of a test holds whole requests and answers: it would be
	// part of what is timed.
	err := b.on(ctx, cluster.Options{Progress: os.Stderr, NoAudit: true}, func() (err error) {
		native, ours, err = b.time(ctx, pairs)
		return err
	})
	if err != nil {
		return err
	}
	var writes map[string]int
	err = b.on(ctx, cluster.Options{Progress: os.Stderr}, func() error {
		if _, err := b.ours(ctx); err != nil {
			return err
		}
		writes, err = writesOf(b.cluster.AuditLog())
		return err
	})
	if err != nil {
		return err
	}
	b.print(native, ours, writes)
	return nil
}

// on runs do on a control plane of its own.
func (b *bench) on(ctx context.Context, opts cluster.Options, do func() error) (err error) {
	if b.cluster, err = cluster.Start(ctx, opts); err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, b.cluster.Stop()) }()
	if b.client, err = kubernetes.NewForConfig(b.cluster.RESTConfig()); err != nil {
		return err
	}
	if b.kubectl, err = kubectl.New(ctx, b.cluster); err != nil {
		return err
	}
	defer func() { _ = b.kubectl.Close() }()
	if err := b.fill(ctx); err != nil {
		return err
	}
	return do()
}

// time measures alternating pairs, after one whose caches are cold.
func (b *bench) time(ctx context.Context, pairs int) (native, ours []took, err error) {
	for i := range pairs + 1 {
		n, err := b.cost(func() (took, error) { return b.native(ctx) })
		if err != nil {
			return nil, nil, err
		}
		o, err := b.cost(func() (took, error) { return b.ours(ctx) })
		if err != nil {
			return nil, nil, err
		}
		if i > 0 {
			native, ours = append(native, n), append(ours, o)
		}
	}
	return native, ours, nil
}

// cost adds the processor time of the control plane to what do took.
func (b *bench) cost(do func() (took, error)) (took, error) {
	before, err := b.processors()
	if err != nil {
		return took{}, err
	}
	t, err := do()
	if err != nil {
		return took{}, err
	}
	after, err := b.processors()
	t.cluster = after - before
	return t, err
}

// tick is the unit of times in /proc/PID/stat (proc_pid_stat(5)).
const tick = 10 * time.Millisecond

// processors is the processor time of all components so far: their fields
// utime and stime.
func (b *bench) processors() (time.Duration, error) {
	var sum time.Duration
	for _, pid := range b.cluster.PIDs() {
		raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return 0, err
		}
		_, rest, _ := strings.Cut(string(raw), ") ") // what is before may hold spaces
		for _, f := range strings.Fields(rest)[11:13] {
			ticks, err := strconv.Atoi(f)
			if err != nil {
				return 0, err
			}
			sum += time.Duration(ticks) * tick
		}
	}
	return sum, nil
}

func (b *bench) fill(ctx context.Context) error {
	fmt.Fprintf(os.Stderr, "making %d nodes and a DaemonSet\n", b.nodes)
	if err := simnode.Create(ctx, b.client, simnode.Nodes("node", b.nodes, nil)...); err != nil {
		return err
	}
	d := simnode.DaemonSet(namespace, name, func(d *appsv1.DaemonSet) {
		n := intstr.FromInt(b.ceiling)
		d.Spec.UpdateStrategy = appsv1.DaemonSetUpdateStrategy{
			Type: appsv1.RollingUpdateDaemonSetStrategyType, RollingUpdate: &appsv1.RollingUpdateDaemonSet{MaxUnavailable: &n},
		}
		d.Spec.Template.Spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
		if half := (b.kubelet / 2).String(); b.kubelet > 0 {
			d.Spec.Template.Annotations = map[string]string{
				simnode.StopAnnotation: simnode.SlowStop, simnode.StopDelayAnnotation: half,
				simnode.StartAnnotation: simnode.SlowReady, simnode.StartDelayAnnotation: half,
			}
		}
	})
	if _, err := b.client.AppsV1().DaemonSets(namespace).Create(ctx, d, metav1.CreateOptions{FieldManager: manager}); err != nil {
		return err
	}
	_, err := simnode.WaitDaemonSet(ctx, b.client, namespace, name, simnode.Ready(b.nodes))
	return err
}

// native is kubectl rollout restart, and the controller that rolls.
func (b *bench) native(ctx context.Context) (took, error) {
	start := time.Now()
	r, err := b.kubectl.Run(ctx, "rollout", "restart", "-n", namespace, "daemonset/"+name)
	if err := succeeded(r, err); err != nil {
		return took{}, err
	}
	if err := b.updated(ctx); err != nil {
		return took{}, err
	}
	return took{available: time.Since(start), command: r.CPU}, nil
}

// ours is a run: until the last pod is available, and until the command ends,
// with the strategy given back and nothing left.
func (b *bench) ours(ctx context.Context) (took, error) {
	before, err := b.client.AppsV1().DaemonSets(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return took{}, err
	}
	start := time.Now()
	type ended struct {
		kubectl.Result
		at  time.Duration
		err error
	}
	done := make(chan ended, 1)
	go func() {
		r, err := b.kubectl.Run(ctx, "ds-rollout", "start", "-n", namespace, name, "--restart", "--yes", "-o", "json",
			"--max-unavailable", fmt.Sprint(b.ceiling), "--waves", "100%", "--soak", "0s", "--gate", "none")
		done <- ended{r, time.Since(start), err}
	}()
	// The restart is by the second: the generation tells that it is there.
	early := ended{}
	err = wait.PollUntilContextCancel(ctx, 20*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		select {
		case early = <-done:
			return false, fmt.Errorf("kubectl ds-rollout start ended before it changed anything: exit code %d\n%s%s", early.Code, early.Stdout, early.Stderr)
		default:
		}
		d, err := b.client.AppsV1().DaemonSets(namespace).Get(ctx, name, metav1.GetOptions{})
		return err == nil && d.Generation > before.Generation, err
	})
	if err != nil {
		return took{}, err
	}
	if err := b.updated(ctx); err != nil {
		return took{}, err
	}
	available := time.Since(start)
	e := <-done
	if err := succeeded(e.Result, e.err); err != nil {
		return took{}, err
	}
	return took{available: available, whole: e.at, command: e.CPU}, nil
}

func succeeded(r kubectl.Result, err error) error {
	if err == nil && r.Code != 0 {
		return fmt.Errorf("kubectl: exit code %d\n%s%s", r.Code, r.Stdout, r.Stderr)
	}
	return err
}

// updated waits until every node runs the newest template and is available.
func (b *bench) updated(ctx context.Context) error {
	return wait.PollUntilContextCancel(ctx, 50*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		d, err := b.client.AppsV1().DaemonSets(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		s := &d.Status
		return s.ObservedGeneration == d.Generation && int(s.UpdatedNumberScheduled) == b.nodes && int(s.NumberAvailable) == b.nodes, nil
	})
}

// writesOf counts the plugin's writes in the audit log, by verb and resource.
func writesOf(path string) (map[string]int, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	out := map[string]int{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var e struct {
			Verb, UserAgent string
			ObjectRef       struct{ Resource string }
		}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("the audit log: %w", err)
		}
		if strings.HasPrefix(e.UserAgent, "kubectl-ds") && slices.Contains([]string{"create", "update", "patch", "delete"}, e.Verb) &&
			!strings.HasPrefix(e.ObjectRef.Resource, "selfsubject") {
			out[e.Verb+" "+e.ObjectRef.Resource]++
		}
	}
	return out, lines.Err()
}

func (b *bench) print(native, ours []took, writes map[string]int) {
	available := func(t took) time.Duration { return t.available }
	whole := func(t took) time.Duration { return t.whole }
	fmt.Printf("%d nodes, at most %d unavailable, a kubelet takes %s for a pod, %d alternating pairs\n\n", b.nodes, b.ceiling, b.kubelet, len(ours))
	fmt.Printf("| update | median | min | max | against RollingUpdate |\n| --- | --- | --- | --- | --- |\n")
	for _, r := range []struct {
		name string
		of   []took
		what func(took) time.Duration
	}{
		{"RollingUpdate", native, available},
		{"kubectl ds-rollout, until the last pod is available", ours, available},
		{"kubectl ds-rollout, until the command has ended", ours, whole},
	} {
		all := sorted(r.of, r.what)
		fmt.Printf("| %s | %.2f s | %.2f s | %.2f s | %.2fx |\n", r.name, median(all).Seconds(), all[0].Seconds(), all[len(all)-1].Seconds(),
			float64(median(all))/float64(median(sorted(native, available))))
	}
	fmt.Printf("\nProcessor time on %d processors, control plane and command: RollingUpdate %s, kubectl ds-rollout %s.\n", runtime.NumCPU(), processorTime(native), processorTime(ours))
	total := 0
	var parts []string
	for what, n := range writes {
		total += n
		parts = append(parts, fmt.Sprintf("%s %d", what, n))
	}
	slices.Sort(parts)
	fmt.Printf("\nWrites a node: %.2f (a run: %s).\n\n", float64(total)/float64(b.nodes), strings.Join(parts, ", "))
}

func processorTime(of []took) string {
	cluster := sorted(of, func(t took) time.Duration { return t.cluster })
	command := sorted(of, func(t took) time.Duration { return t.command })
	return fmt.Sprintf("%.2f s and %.2f s", median(cluster).Seconds(), median(command).Seconds())
}

func sorted(of []took, what func(took) time.Duration) []time.Duration {
	var out []time.Duration
	for _, t := range of {
		out = append(out, what(t))
	}
	slices.Sort(out)
	return out
}

func median(sorted []time.Duration) time.Duration { return sorted[len(sorted)/2] }
