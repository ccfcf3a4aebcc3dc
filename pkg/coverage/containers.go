package coverage

import (
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// waitReasons are the kubelet's words for a waiting container (pkg/kubelet
// container, images and kuberuntime, v1.37.2).
var waitReasons = map[string]Reason{
	"ErrImagePull": ImagePull, "ImagePullBackOff": ImagePull, "ErrImageNeverPull": ImagePull,
	"InvalidImageName": ImagePull, "ImageInspectError": ImagePull, "RegistryUnavailable": ImagePull,
	"SignatureValidationFailed":  ImagePull,
	"CreateContainerConfigError": ConfigError,
	"CreateContainerError":       CreateError,
	"RunContainerError":          RunError, "PreCreateHookError": RunError, "PreStartHookError": RunError,
	"PostStartHookError": RunError, "StartError": RunError,
	"CrashLoopBackOff": CrashLoop,
}

// containers finds why a bound pod that has not ended is not ready.
func (a *analysis) containers(full *corev1.Pod, p *snapshot.Pod, d *Detail) []Reason {
	events := a.ix.podEvents(p)
	if c := initTrouble(full); c != nil {
		d.Evidence.Container = c
		return a.initReasons(c, full, p, d)
	}
	c := worstContainer(full)
	if c == nil {
		return append(a.beforeStart(full, events, d), readinessGate(full)...)
	}
	d.Evidence.Container = c
	switch r := waitReasons[c.Reason]; {
	case archMismatch(c):
		return []Reason{ArchMismatch}
	case r != "":
		return []Reason{r}
	case c.Reason == "ContainerCreating" || c.Reason == "PodInitializing" || c.Reason == "":
		if early := a.beforeStart(full, events, d); len(early) > 0 {
			return early
		}
	}
	var found []Reason
	if a.crashing(c) {
		found = append(found, CrashLoop)
	}
	if running(full, c.Name) && a.probeFails(c, full, p, d, len(found) > 0) {
		found = append(found, ProbeFailing)
	}
	return found
}

// initReasons says why an init container is not done.
func (a *analysis) initReasons(c *ContainerEvidence, full *corev1.Pod, p *snapshot.Pod, d *Detail) []Reason {
	var found []Reason
	r := waitReasons[c.Reason]
	switch {
	case archMismatch(c):
		found = append(found, ArchMismatch)
	case r != "" && r != CrashLoop:
		found = append(found, r)
	}
	if r != "" || c.ExitCode != nil {
		return append(found, InitFailing)
	}
	found = append(found, a.beforeStart(full, a.ix.podEvents(p), d)...)
	if len(found) == 0 && !a.within(p.Created) && c.Reason == "" {
		// It runs, longer than the grace, and does not end.
		found = append(found, InitFailing)
	}
	return found
}

// crashForgotten is after how long without an end the kubelet no longer counts
// a container as crashing, and sets its backoff back
// (pkg/kubelet, MaxContainerBackOff twice over, v1.37.2).
const crashForgotten = 10 * time.Minute

// crashing reports whether a container ended just now, or runs again after an
// end that is not long ago: one restart last week does not explain why it is
// not ready today.
func (a *analysis) crashing(c *ContainerEvidence) bool {
	switch {
	case c.ExitCode == nil:
		return false
	case c.Reason != "":
		return c.Restarts > 0 || *c.ExitCode != 0
	default:
		return c.Restarts > 0 && (c.FinishedAt == nil || a.opts.Now.Sub(c.FinishedAt.Time) < crashForgotten)
	}
}

// beforeStart explains a pod none of whose containers has begun, by its newest
// event.
func (a *analysis) beforeStart(full *corev1.Pod, events []*snapshot.Event, d *Detail) []Reason {
	if started(full) {
		return nil
	}
	e := newest(events, "FailedCreatePodSandBox", "FailedMount", "FailedMapVolume", "FailedAttachVolume", "NetworkNotReady", "FailedPrepareDynamicResources")
	if e == nil {
		return nil
	}
	d.Evidence.Event = eventEvidence(e)
	switch e.Reason {
	case "FailedMount", "FailedMapVolume":
		return []Reason{MountFailed}
	case "FailedAttachVolume":
		return []Reason{AttachFailed}
	case "NetworkNotReady":
		return []Reason{NodeNotReadyCNI}
	case "FailedPrepareDynamicResources":
		return []Reason{SchedDRA}
	default:
		return []Reason{SandboxFailed}
	}
}

// started reports whether any container of the pod has run.
func started(p *corev1.Pod) bool {
	for _, list := range [][]corev1.ContainerStatus{p.Status.InitContainerStatuses, p.Status.ContainerStatuses} {
		for i := range list {
			s := &list[i]
			if s.State.Running != nil || s.State.Terminated != nil || s.LastTerminationState.Terminated != nil {
				return true
			}
		}
	}
	return false
}

// ofContainer leaves out the events that name another container.
func ofContainer(events []*snapshot.Event, name string) []*snapshot.Event {
	var out []*snapshot.Event
	for _, e := range events {
		if e.FieldPath == "" || strings.HasSuffix(e.FieldPath, "{"+name+"}") {
			out = append(out, e)
		}
	}
	return out
}

func running(p *corev1.Pod, name string) bool {
	s := statusOf(p, name)
	return s != nil && s.State.Running != nil
}

// statusOf finds a container by its name, a sidecar too.
func statusOf(p *corev1.Pod, name string) *corev1.ContainerStatus {
	for _, list := range [][]corev1.ContainerStatus{p.Status.ContainerStatuses, p.Status.InitContainerStatuses} {
		for i := range list {
			if list[i].Name == name {
				return &list[i]
			}
		}
	}
	return nil
}

// initTrouble returns the first init container that is not done: a sidecar is
// once it has started. Nil where all are.
func initTrouble(p *corev1.Pod) *ContainerEvidence {
	for i := range p.Status.InitContainerStatuses {
		s := &p.Status.InitContainerStatuses[i]
		sidecar := slices.ContainsFunc(p.Spec.InitContainers, func(c corev1.Container) bool {
			return c.Name == s.Name && c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
		})
		switch {
		case sidecar && s.Started != nil && *s.Started:
			continue
		case !sidecar && s.State.Terminated != nil && s.State.Terminated.ExitCode == 0:
			continue
		case !sidecar && s.Ready:
			continue
		}
		c := containerEvidence(s)
		c.Init = true
		// A waiting init container of a pod that has just been bound says
		// nothing: the first one is PodInitializing.
		return c
	}
	return nil
}

// worstContainer returns the container that most plainly keeps the pod from
// being ready: one with a known wait reason, else one that ended, else the
// first that is not ready.
func worstContainer(p *corev1.Pod) *ContainerEvidence {
	var best *corev1.ContainerStatus
	score := -1
	consider := func(s *corev1.ContainerStatus) {
		n := 0
		switch {
		case s.Ready:
			return
		case s.State.Waiting != nil && waitReasons[s.State.Waiting.Reason] != "":
			n = 3
		case s.State.Terminated != nil && s.State.Terminated.ExitCode != 0:
			n = 2
		case s.LastTerminationState.Terminated != nil || s.State.Terminated != nil:
			n = 1
		}
		if n > score {
			best, score = s, n
		}
	}
	for i := range p.Status.ContainerStatuses {
		consider(&p.Status.ContainerStatuses[i])
	}
	for i := range p.Status.InitContainerStatuses {
		// A sidecar that has started may still be unready.
		if s := &p.Status.InitContainerStatuses[i]; s.Started != nil && *s.Started {
			consider(s)
		}
	}
	if best == nil {
		return nil
	}
	return containerEvidence(best)
}

func containerEvidence(s *corev1.ContainerStatus) *ContainerEvidence {
	c := &ContainerEvidence{Name: s.Name, Image: s.Image, Restarts: s.RestartCount}
	if w := s.State.Waiting; w != nil {
		c.Reason, c.Message = w.Reason, w.Message
	}
	last := s.LastTerminationState.Terminated
	if t := s.State.Terminated; t != nil {
		last = t
		if c.Reason == "" {
			c.Reason = t.Reason
		}
	}
	if last != nil {
		code := last.ExitCode
		c.ExitCode, c.Signal, c.LastReason, c.LastWords = &code, last.Signal, last.Reason, last.Message
		c.FinishedAt = metaTime(snapshot.TimeOf(&last.FinishedAt))
	}
	return c
}

// archMismatch knows the words of registries, runtimes and kernels for an
// image that is not made for the machine.
func archMismatch(c *ContainerEvidence) bool {
	for _, text := range []string{c.Message, c.LastWords} {
		if strings.Contains(text, "no match for platform") || strings.Contains(text, "exec format error") ||
			strings.Contains(text, "no matching manifest for") || strings.Contains(text, "no image found in image index for architecture") {
			return true
		}
	}
	return false
}
