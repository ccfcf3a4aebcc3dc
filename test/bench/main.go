// Command bench measures kubectl ds-coverage on the real control plane against
// what people have today: one protobuf list by curl, which is the floor of what
// a server needs to hand out the same pods, and kubectl get pods -A -o json.
// Commands alternate within one run; medians and their spread are printed, and
// nothing passes or fails by absolute time.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-ds/kubectl-ds/test/cluster"
	"github.com/kubectl-ds/kubectl-ds/test/cluster/simnode"
	"github.com/kubectl-ds/kubectl-ds/test/kubectl"
)

func main() {
	nodes := flag.Int("nodes", 500, "simulated nodes")
	sets := flag.Int("daemonsets", 10, "DaemonSets on all of them")
	runs := flag.Int("runs", 7, "runs of each command, alternating")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, time.Hour)
	defer cancel()
	if err := run(ctx, *nodes, *sets, *runs); err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, nodes, sets, runs int) (err error) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		return fmt.Errorf("curl is the floor of this comparison: %w", err)
	}
	c, err := cluster.Start(ctx, cluster.Options{Progress: os.Stderr, NoAudit: true})
	if err != nil {
		return err
	}
	defer func() {
		if stopErr := c.Stop(); err == nil {
			err = stopErr
		}
	}()
	if err := fill(ctx, c, nodes, sets); err != nil {
		return err
	}
	k, err := kubectl.New(ctx, c)
	if err != nil {
		return err
	}
	defer func() { _ = k.Close() }()
	keys, err := credentials(c, k.Dir())
	if err != nil {
		return err
	}
	list := c.URL() + "/api/v1/pods?labelSelector=pod-template-generation"
	contenders := []contender{
		{name: "curl, one protobuf list", cmd: func() *exec.Cmd {
			args := append(keys, "-sS", "-o", filepath.Join(k.Dir(), "pods.pb"), "-H", "Accept: application/vnd.kubernetes.protobuf", list)
			return exec.CommandContext(ctx, curl, args...)
		}},
		{name: "kubectl ds-coverage -A -o json", cmd: func() *exec.Cmd { return k.Command(ctx, "ds-coverage", "-A", "-o", "json") }},
		{name: "kubectl ds-coverage -A", cmd: func() *exec.Cmd { return k.Command(ctx, "ds-coverage", "-A") }},
		{name: "kubectl get pods -A -o json", cmd: func() *exec.Cmd { return k.Command(ctx, "get", "pods", "-A", "-o", "json") }},
		{name: "kubectl get pods -A", cmd: func() *exec.Cmd { return k.Command(ctx, "get", "pods", "-A") }},
	}
	for i := range contenders {
		if _, err := contenders[i].run(); err != nil { // warm caches of files and discovery
			return err
		}
	}
	for range runs {
		for i := range contenders {
			s, err := contenders[i].run()
			if err != nil {
				return err
			}
			contenders[i].samples = append(contenders[i].samples, s)
		}
	}
	print(contenders, nodes, sets, runs)
	return nil
}

// fill makes the nodes and DaemonSets, and waits until every pod is ready.
func fill(ctx context.Context, c *cluster.Cluster, nodes, sets int) error {
	client, err := kubernetes.NewForConfig(c.RESTConfig())
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "making %d nodes and %d DaemonSets\n", nodes, sets)
	if err := simnode.Create(ctx, client, simnode.Nodes("node", nodes, func(i int, n *simnode.Node) {
		n.Labels = map[string]string{
			corev1.LabelTopologyZone: fmt.Sprintf("zone-%c", 'a'+i%3), corev1.LabelInstanceTypeStable: "m7i.2xlarge",
			"karpenter.sh/nodepool": fmt.Sprintf("pool-%d", i%5),
		}
	})...); err != nil {
		return err
	}
	for i := range sets {
		d := simnode.DaemonSet("default", fmt.Sprintf("agent-%d", i), typical)
		if _, err := client.AppsV1().DaemonSets(d.Namespace).Create(ctx, d, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	for i := range sets {
		if _, err := simnode.WaitDaemonSet(ctx, client, "default", fmt.Sprintf("agent-%d", i), simnode.Ready(nodes)); err != nil {
			return err
		}
	}
	return nil
}

// typical gives a DaemonSet the bulk that agents have in the field: two
// containers, environment, mounts, probes.
func typical(d *appsv1.DaemonSet) {
	spec := &d.Spec.Template.Spec
	main := &spec.Containers[0]
	main.Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse("32Mi")}
	for i := range 12 {
		main.Env = append(main.Env, corev1.EnvVar{Name: fmt.Sprintf("SETTING_%d", i), Value: "a value of the usual length"})
	}
	for i := range 4 {
		name := fmt.Sprintf("host-%d", i)
		spec.Volumes = append(spec.Volumes, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/var/lib/" + name}}})
		main.VolumeMounts = append(main.VolumeMounts, corev1.VolumeMount{Name: name, MountPath: "/host/" + name})
	}
	side := *main.DeepCopy()
	side.Name = "sidecar"
	spec.Containers = append(spec.Containers, side)
	spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
}

type sample struct {
	wall   time.Duration
	memory int64 // peak, KiB
}

type contender struct {
	name    string
	cmd     func() *exec.Cmd
	samples []sample
}

func (c *contender) run() (sample, error) {
	cmd := c.cmd()
	cmd.Stderr = os.Stderr
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return sample{}, fmt.Errorf("%s: %w", c.name, err)
	}
	s := sample{wall: time.Since(start)}
	if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		s.memory = u.Maxrss
	}
	return s, nil
}

func print(cs []contender, nodes, sets, runs int) {
	fmt.Printf("%d nodes x %d DaemonSets = %d pods, %d alternating runs\n\n", nodes, sets, nodes*sets, runs)
	fmt.Printf("| command | median | min | max | against curl | peak memory |\n| --- | --- | --- | --- | --- | --- |\n")
	var floor time.Duration
	for i, c := range cs {
		slices.SortFunc(c.samples, func(a, b sample) int { return int(a.wall - b.wall) })
		median := c.samples[len(c.samples)/2]
		if i == 0 {
			floor = median.wall
		}
		fmt.Printf("| %s | %.2f s | %.2f s | %.2f s | %.2fx | %d MiB |\n", c.name, median.wall.Seconds(),
			c.samples[0].wall.Seconds(), c.samples[len(c.samples)-1].wall.Seconds(),
			float64(median.wall)/float64(floor), median.memory/1024)
	}
}

// credentials writes what curl needs to speak to the server as admin.
func credentials(c *cluster.Cluster, dir string) ([]string, error) {
	cfg := c.RESTConfig()
	var args []string
	add := func(flag, name string, data []byte, file string) error {
		if len(data) > 0 {
			file = filepath.Join(dir, name)
			if err := os.WriteFile(file, data, 0o600); err != nil {
				return err
			}
		}
		if file != "" {
			args = append(args, flag, file)
		}
		return nil
	}
	if err := add("--cacert", "ca.pem", cfg.CAData, cfg.CAFile); err != nil {
		return nil, err
	}
	if err := add("--cert", "cert.pem", cfg.CertData, cfg.CertFile); err != nil {
		return nil, err
	}
	if err := add("--key", "key.pem", cfg.KeyData, cfg.KeyFile); err != nil {
		return nil, err
	}
	if cfg.BearerToken != "" {
		args = append(args, "-H", "Authorization: Bearer "+cfg.BearerToken)
	}
	return args, nil
}
