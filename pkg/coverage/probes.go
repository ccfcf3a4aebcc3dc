package coverage

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// probeFails reports whether a probe keeps a running container from being
// ready: the kubelet says so, or nothing else explains it after the grace.
func (a *analysis) probeFails(c *ContainerEvidence, full *corev1.Pod, p *snapshot.Pod, d *Detail, explained bool) bool {
	if e := newest(ofContainer(a.ix.podEvents(p), c.Name), "Unhealthy"); e != nil {
		c.Probe = probeKind(e.Message)
		d.Evidence.Event = eventEvidence(e)
		return true
	}
	if explained || a.within(p.Created) {
		return false
	}
	c.Probe = unreadyProbe(full, c.Name)
	return c.Probe != ""
}

func readinessGate(p *corev1.Pod) []Reason {
	for i := range p.Status.Conditions {
		if c := &p.Status.Conditions[i]; c.Type == corev1.PodReady && c.Reason == "ReadinessGatesNotReady" {
			return []Reason{ReadinessGate}
		}
	}
	return nil
}

// probeKind reads the kubelet's event Unhealthy: "Readiness probe failed: ...".
func probeKind(message string) string {
	for _, kind := range []string{"Startup", "Readiness", "Liveness"} {
		if strings.HasPrefix(message, kind+" probe") {
			return strings.ToLower(kind)
		}
	}
	return ""
}

// unreadyProbe says which probe a running container that is not ready fails:
// before it has started only a startup probe can be at fault.
func unreadyProbe(p *corev1.Pod, name string) string {
	all := slices.Concat(p.Spec.Containers, p.Spec.InitContainers)
	i := slices.IndexFunc(all, func(c corev1.Container) bool { return c.Name == name })
	st := statusOf(p, name)
	if i < 0 || st == nil {
		return ""
	}
	spec := &all[i]
	switch {
	case spec.StartupProbe != nil && (st.Started == nil || !*st.Started):
		return "startup"
	case spec.ReadinessProbe != nil:
		return "readiness"
	}
	return ""
}
