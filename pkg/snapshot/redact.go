package snapshot

import (
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// RedactPod returns a copy of p that may be shown to others: values of
// environment variables are replaced, what looks like a secret in commands and
// messages is masked, annotations that no verdict needs and managed fields are
// dropped. Names stay, those of Secrets too: a name is no secret.
func RedactPod(p *corev1.Pod) *corev1.Pod { return new(Redactor).Pod(p) }

// RedactDaemonSet is RedactPod for a DaemonSet and its template.
func RedactDaemonSet(d *appsv1.DaemonSet) *appsv1.DaemonSet { return new(Redactor).DaemonSet(d) }

// RedactRevision is RedactPod for a ControllerRevision and the template in its
// data. Data that is no template is emptied.
func RedactRevision(r *appsv1.ControllerRevision) *appsv1.ControllerRevision {
	return new(Redactor).Revision(r)
}

// RedactNode is RedactPod for a node.
func RedactNode(n *corev1.Node) *corev1.Node {
	n = n.DeepCopy()
	n.ManagedFields = nil
	n.Annotations = keptAnnotations(n.Annotations)
	for i := range n.Status.Conditions {
		c := &n.Status.Conditions[i]
		c.Message = MaskText(c.Message)
	}
	if n.Status.Config != nil {
		n.Status.Config.Error = MaskText(n.Status.Config.Error)
	}
	return n
}

// RedactEvent masks what looks like a secret in the message.
func RedactEvent(e Event) Event {
	e.Message = MaskText(e.Message)
	return e
}

// Redactor redacts objects that belong together. Two values of one name that
// differ are still told apart afterwards (redacted, redacted-2), so that a
// template and a revision that differ in nothing but a value do not become the
// same. The zero value is ready. It is not safe for concurrent use.
type Redactor struct {
	// seen has the replacement of each value, by the name it is a value of.
	seen map[string]map[string]string
}

// Redacted stands in the place of a value.
const Redacted = "redacted"

// value is the replacement of the value v that belongs to name. An empty value
// stays, since it tells what is wrong and gives nothing away.
func (r *Redactor) value(name, v string) string {
	if v == "" || isRedacted(v) {
		return v
	}
	if s, ok := r.seen[name][v]; ok {
		return s
	}
	if r.seen == nil {
		r.seen = map[string]map[string]string{}
	}
	if r.seen[name] == nil {
		r.seen[name] = map[string]string{}
	}
	s := numbered(len(r.seen[name]) + 1)
	r.seen[name][v] = s
	return s
}

// Pod is RedactPod.
func (r *Redactor) Pod(p *corev1.Pod) *corev1.Pod {
	p = p.DeepCopy()
	p.ManagedFields = nil
	p.Annotations = keptAnnotations(p.Annotations)
	r.podSpec(&p.Spec)
	s := &p.Status
	s.Message = MaskText(s.Message)
	for i := range s.Conditions {
		s.Conditions[i].Message = MaskText(s.Conditions[i].Message)
	}
	for _, list := range [][]corev1.ContainerStatus{s.InitContainerStatuses, s.ContainerStatuses, s.EphemeralContainerStatuses} {
		for i := range list {
			redactState(&list[i].State)
			redactState(&list[i].LastTerminationState)
			for j := range list[i].AllocatedResourcesStatus {
				health := list[i].AllocatedResourcesStatus[j].Resources
				for k := range health {
					if m := health[k].Message; m != nil {
						*m = MaskText(*m) // the copy's
					}
				}
			}
		}
	}
	for i := range s.VolumeHealth {
		for j := range s.VolumeHealth[i].HealthConditions {
			c := &s.VolumeHealth[i].HealthConditions[j]
			c.Message = MaskText(c.Message)
		}
	}
	return p
}

// DaemonSet is RedactDaemonSet.
func (r *Redactor) DaemonSet(d *appsv1.DaemonSet) *appsv1.DaemonSet {
	d = d.DeepCopy()
	d.ManagedFields = nil
	d.Annotations = keptAnnotations(d.Annotations)
	d.Spec.Template.ManagedFields = nil
	d.Spec.Template.Annotations = keptAnnotations(d.Spec.Template.Annotations)
	r.podSpec(&d.Spec.Template.Spec)
	for i := range d.Status.Conditions {
		c := &d.Status.Conditions[i]
		c.Message = MaskText(c.Message)
	}
	return d
}

func redactState(s *corev1.ContainerState) {
	if s.Waiting != nil {
		s.Waiting.Message = MaskText(s.Waiting.Message)
	}
	if s.Terminated != nil {
		// Whatever the container wrote: anything may be in it.
		s.Terminated.Message = MaskText(s.Terminated.Message)
	}
}

// What podSpec does to the fields of a pod, Revision does to the same fields
// in JSON; a test compares the two.
func (r *Redactor) podSpec(s *corev1.PodSpec) {
	for i := range s.InitContainers {
		r.container(&s.InitContainers[i])
	}
	for i := range s.Containers {
		r.container(&s.Containers[i])
	}
	for i := range s.EphemeralContainers {
		// The common fields of the two types are the same by definition.
		c := corev1.Container(s.EphemeralContainers[i].EphemeralContainerCommon)
		r.container(&c)
		s.EphemeralContainers[i].EphemeralContainerCommon = corev1.EphemeralContainerCommon(c)
	}
	for i := range s.Volumes {
		v := &s.Volumes[i].VolumeSource
		if v.CSI != nil {
			r.values(v.CSI.VolumeAttributes)
		}
		if v.FlexVolume != nil {
			r.values(v.FlexVolume.Options)
		}
		if v.GitRepo != nil {
			v.GitRepo.Repository = r.word(v.GitRepo.Repository)
		}
		if v.Projected != nil {
			for j := range v.Projected.Sources {
				if p := v.Projected.Sources[j].PodCertificate; p != nil {
					r.values(p.UserAnnotations)
				}
			}
		}
		if v.Ephemeral != nil && v.Ephemeral.VolumeClaimTemplate != nil {
			t := v.Ephemeral.VolumeClaimTemplate
			t.ManagedFields = nil
			t.Annotations = keptAnnotations(t.Annotations)
		}
	}
}

func (r *Redactor) container(c *corev1.Container) {
	r.words(c.Command)
	r.words(c.Args)
	for i := range c.Env {
		c.Env[i].Value = r.value(c.Env[i].Name, c.Env[i].Value)
	}
	for _, p := range []*corev1.Probe{c.LivenessProbe, c.ReadinessProbe, c.StartupProbe} {
		if p != nil {
			r.action(p.Exec, p.HTTPGet)
		}
	}
	if l := c.Lifecycle; l != nil {
		for _, h := range []*corev1.LifecycleHandler{l.PostStart, l.PreStop} {
			if h != nil {
				r.action(h.Exec, h.HTTPGet)
			}
		}
	}
}

func (r *Redactor) action(exec *corev1.ExecAction, get *corev1.HTTPGetAction) {
	if exec != nil {
		r.words(exec.Command)
	}
	if get != nil {
		get.Path = r.word(get.Path)
		for i := range get.HTTPHeaders {
			h := &get.HTTPHeaders[i]
			h.Value = r.value(h.Name, h.Value)
		}
	}
}

func (r *Redactor) values(m map[string]string) {
	for _, k := range sortedKeys(m) {
		m[k] = r.value(k, m[k])
	}
}

// keptDomains are the prefixes of annotations that verdicts read, or that
// tell who owns an object. All others are dropped: nobody knows what is in
// them.
var keptDomains = map[string]bool{
	APIGroup:                           true,
	"kubernetes.io":                    true, // config.mirror, change-cause
	"scheduler.alpha.kubernetes.io":    true,
	"cluster-autoscaler.kubernetes.io": true,
	"meta.helm.sh":                     true,
	"kustomize.toolkit.fluxcd.io":      true,
	"helm.toolkit.fluxcd.io":           true,
}

var keptNames = map[string]bool{
	appsv1.DeprecatedTemplateGeneration:                      true,
	"kubectl.kubernetes.io/restartedAt":                      true,
	"kubectl.kubernetes.io/default-container":                true,
	"argocd.argoproj.io/tracking-id":                         true,
	"argocd.argoproj.io/installation-id":                     true,
	"argocd.argoproj.io/sync-options":                        true,
	"openshift.io/node-selector":                             true,
	"openshift.io/scc":                                       true,
	"karpenter.sh/do-not-disrupt":                            true,
	"volumes.kubernetes.io/controller-managed-attach-detach": true,
}

func keptAnnotation(name string) bool {
	domain, _, ok := strings.Cut(name, "/")
	return keptNames[name] || ok && keptDomains[domain]
}

// keptAnnotations is a new map of those that stay; nil for none.
func keptAnnotations(m map[string]string) map[string]string {
	var out map[string]string
	for k, v := range m {
		if keptAnnotation(k) {
			if out == nil {
				out = map[string]string{}
			}
			out[k] = maskWord(v)
		}
	}
	return out
}
