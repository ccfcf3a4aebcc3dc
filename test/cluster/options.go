package cluster

import (
	"io"
	"time"
)

// Component names one program of the control plane.
type Component string

// The programs a cluster runs, and kubectl, which is built with them.
const (
	Etcd              Component = "etcd"
	APIServer         Component = "kube-apiserver"
	ControllerManager Component = "kube-controller-manager"
	Scheduler         Component = "kube-scheduler"
	KWOK              Component = "kwok"
	Kubectl           Component = "kubectl"
)

// Defaults of Options.
const (
	// DefaultNodeMonitorGracePeriod is well above the controller's own 50 s:
	// on a busy two-core machine KWOK may renew leases late, and a node that
	// is lost by accident evicts pods in the middle of somebody's test.
	DefaultNodeMonitorGracePeriod = 2 * time.Minute
	// DefaultNodeLeaseDuration is the kubelet's own.
	DefaultNodeLeaseDuration = 40 * time.Second
	// DefaultStartTimeout leaves room for several clusters starting at once.
	DefaultStartTimeout = 2 * time.Minute
)

// LostNodeLabel on a Node keeps KWOK away from it: no heartbeats, no lease,
// and nobody who runs or deletes its pods, as when a machine is gone.
const LostNodeLabel = "sim.local/lost"

// Options says how a cluster is started. The zero value is a good one.
type Options struct {
	// Binaries to run. The zero value builds them, or takes what was built.
	Binaries Binaries
	// Dir is where the cluster keeps everything. It is made, and must be empty
	// or absent. Empty means a new folder under os.TempDir.
	Dir string
	// Keep leaves Dir behind on Stop, for a look at the logs.
	Keep bool
	// Progress receives a line a step; nil discards them.
	Progress io.Writer
	// ContextName is the context's name in kubeconfigs; empty means "local".
	ContextName string
	// NoAudit turns the audit log off: benches measure the server, not the log.
	NoAudit bool
	// FeatureGates are set on kube-apiserver, kube-controller-manager and
	// kube-scheduler alike.
	FeatureGates map[string]bool
	// NodeMonitorGracePeriod is how long a node may be silent before the
	// controller sets Ready=Unknown.
	NodeMonitorGracePeriod time.Duration
	// NodeLeaseDuration is how long a lease holds; KWOK renews every quarter.
	NodeLeaseDuration time.Duration
	// Stages are further KWOK documents (Stage, ClusterExec, ...), as YAML.
	// A stage with a weight above 0 wins over the built-in ones.
	Stages []string
	// ExtraArgs are appended to a component's command line, so that a flag
	// given here wins over the same flag set by this package.
	ExtraArgs map[Component][]string
	// StartTimeout bounds Start, not the cluster's life.
	StartTimeout time.Duration
}

func (o Options) withDefaults() Options {
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	if o.ContextName == "" {
		o.ContextName = "local"
	}
	if o.NodeMonitorGracePeriod == 0 {
		o.NodeMonitorGracePeriod = DefaultNodeMonitorGracePeriod
	}
	if o.NodeLeaseDuration == 0 {
		o.NodeLeaseDuration = DefaultNodeLeaseDuration
	}
	if o.StartTimeout == 0 {
		o.StartTimeout = DefaultStartTimeout
	}
	return o
}
