package simnode

// Annotations of a pod, so of a DaemonSet's template, that say how KWOK plays
// it. The domain is nobody's: these never leave a simulated cluster.
const (
	// StartAnnotation is one of the Start values below.
	StartAnnotation = "sim.local/start"
	// StartDelayAnnotation is a duration such as "2s": how long a SlowReady pod
	// is not ready, and how long a CrashLater pod is. Default 5s.
	StartDelayAnnotation = "sim.local/start-delay"
	// ExitCodeAnnotation is the exit code of crashes; 137 means OOMKilled.
	ExitCodeAnnotation = "sim.local/exit-code"
	// StopAnnotation is one of the Stop values below. Removing it from a pod
	// lets the pod go.
	StopAnnotation = "sim.local/stop"
	// StopDelayAnnotation is how long a SlowStop pod is Terminating. Default 5s.
	StopDelayAnnotation = "sim.local/stop-delay"
	// NodesAnnotation restricts both behaviours to pods on these nodes, names
	// separated by commas: a version that fails on one machine only.
	NodesAnnotation = "sim.local/nodes"
)

// Image is one whose version starts as told, a value of StartAnnotation: a
// failure that comes with a new image and goes with the old one. An annotation
// wins over it.
func Image(start, version string) string { return "sim/" + start + ":" + version }

// Values of StartAnnotation.
const (
	CrashLoop   = "crash-loop"   // CrashLoopBackOff, never ready
	CrashLater  = "crash-later"  // ready first, CrashLoopBackOff after the delay
	ImagePull   = "image-pull"   // ImagePullBackOff
	ConfigError = "config-error" // CreateContainerConfigError: no such secret
	MountError  = "mount-error"  // ContainerCreating for ever, with FailedMount
	NeverReady  = "never-ready"  // runs, readiness probe fails
	SlowReady   = "slow-ready"   // runs, ready after the delay
)

// Values of StopAnnotation.
const (
	SlowStop  = "slow"  // Terminating for the delay
	StuckStop = "stuck" // Terminating until the annotation is removed
)
