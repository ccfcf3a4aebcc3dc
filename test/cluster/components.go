package cluster

import (
	_ "embed"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
)

// ports of one cluster, all on the loopback address.
type ports struct {
	etcd, apiServer, controllerManager, scheduler, kwok int
}

// freePorts lets the kernel choose. The ports are free again when it returns,
// so another process may take one first; Start tries again then.
func freePorts() (ports, error) {
	var p ports
	for _, port := range []*int{&p.etcd, &p.apiServer, &p.controllerManager, &p.scheduler, &p.kwok} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return ports{}, fmt.Errorf("looking for free ports: %w", err)
		}
		defer func() { _ = l.Close() }() // all stay taken until all are found, or one is found twice
		*port = l.Addr().(*net.TCPAddr).Port
	}
	return p, nil
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

//go:embed files/audit-policy.yaml
var auditPolicy []byte

// schedulerConfig exists because the scheduler's rate limits have no flags.
const schedulerConfig = `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
leaderElection: {leaderElect: false}
clientConnection: {kubeconfig: %q, qps: 2000, burst: 4000}
`

// args is the command line of a component. The folder's files are written by
// prepare.
func (c *Cluster) args(component Component) []string {
	var args []string
	switch component {
	case Etcd:
		args = c.etcdArgs()
	case APIServer:
		args = c.apiServerArgs()
	case ControllerManager:
		args = c.controllerManagerArgs()
	case Scheduler:
		args = c.schedulerArgs()
	case KWOK:
		args = c.kwokArgs()
	case Kubectl:
	}
	return append(args, c.opts.ExtraArgs[component]...)
}

// etcdArgs: no fsync, since the data is thrown away; the peer port is never
// used, so the kernel may choose it.
func (c *Cluster) etcdArgs() []string {
	client := "http://" + loopback(c.ports.etcd)
	return []string{
		"--name=local", "--data-dir=" + c.path("etcd"), "--unsafe-no-fsync", "--log-level=warn",
		"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
		"--listen-peer-urls=http://127.0.0.1:0", "--initial-advertise-peer-urls=http://127.0.0.1:0",
		"--initial-cluster=local=http://127.0.0.1:0",
		"--quota-backend-bytes=8589934592",
	}
}

func (c *Cluster) apiServerArgs() []string {
	args := []string{
		"--etcd-servers=http://" + loopback(c.ports.etcd),
		"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--secure-port=" + strconv.Itoa(c.ports.apiServer),
		// An endpoint on a loopback address is not valid, and nobody needs it.
		"--endpoint-reconciler-type=none",
		"--cert-dir=" + c.path("pki"),
		"--tls-cert-file=" + c.path("pki", "server.crt"), "--tls-private-key-file=" + c.path("pki", "server.key"),
		"--client-ca-file=" + c.path("pki", "ca.crt"),
		"--authorization-mode=RBAC", "--allow-privileged=true",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + c.path("pki", "service-account.key"),
		"--service-account-signing-key-file=" + c.path("pki", "service-account.key"),
		"--service-cluster-ip-range=10.96.0.0/16",
		"--kubelet-client-certificate=" + c.path("pki", "kubelet-client.crt"),
		"--kubelet-client-key=" + c.path("pki", "kubelet-client.key"),
		// Node names do not resolve; every node's internal address is KWOK's.
		"--kubelet-preferred-address-types=InternalIP",
		"--max-requests-inflight=4000", "--max-mutating-requests-inflight=2000",
	}
	if !c.opts.NoAudit {
		args = append(args,
			"--audit-policy-file="+c.path("audit-policy.yaml"), "--audit-log-path="+c.AuditLog(),
			// One file: who reads it should not have to look for rotated ones.
			"--audit-log-maxsize=0")
	}
	return append(args, c.gateArgs()...)
}

func (c *Cluster) controllerManagerArgs() []string {
	args := []string{
		"--kubeconfig=" + c.path("controller-manager.kubeconfig"),
		"--bind-address=127.0.0.1", "--secure-port=" + strconv.Itoa(c.ports.controllerManager), "--cert-dir=" + c.path("pki", "controller-manager"),
		"--controllers=*", "--leader-elect=false",
		// Each controller under its own account: RBAC as in production, and an
		// audit log that says which controller it was.
		"--use-service-account-credentials=true",
		"--service-account-private-key-file=" + c.path("pki", "service-account.key"),
		"--root-ca-file=" + c.path("pki", "ca.crt"),
		"--kube-api-qps=2000", "--kube-api-burst=4000", "--concurrent-daemonset-syncs=10",
		// Its default is a folder of the machine, which it makes.
		"--flex-volume-plugin-dir=" + c.path("flexvolume"),
		"--node-monitor-grace-period=" + c.opts.NodeMonitorGracePeriod.String(),
		// Taints follow a change of a node within this, instead of within 5s.
		"--node-monitor-period=1s",
		// The NoExecute taint of a lost node comes at this rate: by default, ten
		// seconds after that of the lost node before it.
		"--node-eviction-rate=100", "--secondary-node-eviction-rate=100",
	}
	return append(args, c.gateArgs()...)
}

func (c *Cluster) schedulerArgs() []string {
	return append([]string{
		"--config=" + c.path("scheduler.yaml"),
		"--bind-address=127.0.0.1", "--secure-port=" + strconv.Itoa(c.ports.scheduler), "--cert-dir=" + c.path("pki", "scheduler"),
	}, c.gateArgs()...)
}

func (c *Cluster) kwokArgs() []string {
	return []string{
		"--kubeconfig=" + c.path("kwok.kubeconfig"), "--config=" + c.path("kwok.yaml"),
		"--manage-nodes-with-label-selector=!" + LostNodeLabel,
		"--node-lease-duration-seconds=" + strconv.Itoa(max(1, int(c.opts.NodeLeaseDuration.Seconds()))),
		"--node-ip=127.0.0.1", "--node-port=" + strconv.Itoa(c.ports.kwok), "--server-address=" + loopback(c.ports.kwok),
		"--tls-cert-file=" + c.path("pki", "server.crt"), "--tls-private-key-file=" + c.path("pki", "server.key"),
		"--cidr=10.64.0.0/12",
	}
}

func (c *Cluster) gateArgs() []string {
	if len(c.opts.FeatureGates) == 0 {
		return nil
	}
	gates := make([]string, 0, len(c.opts.FeatureGates))
	for _, name := range slices.Sorted(maps.Keys(c.opts.FeatureGates)) {
		gates = append(gates, fmt.Sprintf("%s=%t", name, c.opts.FeatureGates[name]))
	}
	return []string{"--feature-gates=" + strings.Join(gates, ",")}
}

// prepare writes every file the components read.
func (c *Cluster) prepare() error {
	for _, dir := range []string{"pki", "logs"} {
		if err := os.MkdirAll(c.path(dir), 0o700); err != nil {
			return err
		}
	}
	server, err := c.ca.server("kube-apiserver")
	if err != nil {
		return err
	}
	if err := server.write(c.path("pki", "server.crt"), c.path("pki", "server.key")); err != nil {
		return err
	}
	kubelet, err := c.ca.user("kube-apiserver-kubelet-client", "system:masters")
	if err != nil {
		return err
	}
	if err := kubelet.write(c.path("pki", "kubelet-client.crt"), c.path("pki", "kubelet-client.key")); err != nil {
		return err
	}
	_, accountKey, err := newKey()
	if err != nil {
		return err
	}
	files := map[string][]byte{
		c.path("pki", "ca.crt"):              c.ca.pem,
		c.path("pki", "service-account.key"): accountKey,
		c.path("audit-policy.yaml"):          auditPolicy,
		c.path("scheduler.yaml"):             fmt.Appendf(nil, schedulerConfig, c.path("scheduler.kubeconfig")),
		c.path("kwok.yaml"):                  kwokConfig(c.opts.Stages),
	}
	for path, content := range files {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return err
		}
	}
	for path, user := range map[string][]string{
		c.Kubeconfig():                          {"admin", "system:masters"},
		c.path("controller-manager.kubeconfig"): {"system:kube-controller-manager"},
		c.path("scheduler.kubeconfig"):          {"system:kube-scheduler"},
		c.path("kwok.kubeconfig"):               {"kwok", "system:masters"},
	} {
		if err := c.writeKubeconfig(path, user[0], user[1:]...); err != nil {
			return err
		}
	}
	c.rest, err = loadREST(c.Kubeconfig())
	return err
}
