package snapshot

import (
	"maps"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// RedactPod is Redactor.Pod for a pod alone.
func RedactPod(p *corev1.Pod) *corev1.Pod { return new(Redactor).Pod(p) }

// RedactDaemonSet is Redactor.DaemonSet for a DaemonSet alone.
func RedactDaemonSet(d *appsv1.DaemonSet) *appsv1.DaemonSet { return new(Redactor).DaemonSet(d) }

// RedactRevision is Redactor.Revision for a ControllerRevision alone.
func RedactRevision(r *appsv1.ControllerRevision) *appsv1.ControllerRevision {
	return new(Redactor).Revision(r)
}

// RedactNode is Redactor.Node for a node alone.
func RedactNode(n *corev1.Node) *corev1.Node { return new(Redactor).Node(n) }

// RedactEvent masks what looks like a secret in the message.
func RedactEvent(e Event) Event {
	e.Message = MaskText(e.Message)
	return e
}

// Redactor makes copies of objects that may be shown to others. These are
// replaced, whatever is in them: values of environment variables, words of
// commands (of containers, probes and hooks) but for the name of the
// executable and the names of flags, paths and headers of HTTP probes,
// attributes of CSI and flex volumes. Annotations that nothing here reads,
// change-cause and last-applied-configuration among them, and managed fields
// are dropped. In messages what looks like a secret is masked, as MaskText
// does; in labels and in the annotations that stay, what has the looks of a
// well-known token. All else stays: names, those of Secrets too, images and
// paths of volumes.
//
// Objects that belong together have one Redactor. Two values of one name that
// differ are still told apart afterwards (redacted, redacted-2), so that a
// template and a revision that differ in nothing but a value do not become the
// same. Which is all that is told of a value: a digest could be tried out. The
// zero value is ready. It is not safe for concurrent use.
type Redactor struct {
	// seen has the replacement of each value, by the name it is a value of.
	seen map[string]map[string]string
	// labelled has what becomes of the values of labels that may hold a token:
	// those of one DaemonSet are on all of its pods.
	labelled map[string]string
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

// Node returns a redacted copy.
func (r *Redactor) Node(n *corev1.Node) *corev1.Node {
	n = n.DeepCopy()
	r.meta(&n.ObjectMeta)
	for i := range n.Status.Conditions {
		c := &n.Status.Conditions[i]
		c.Message = MaskText(c.Message)
	}
	if n.Status.Config != nil {
		n.Status.Config.Error = MaskText(n.Status.Config.Error)
	}
	return n
}

// Pod returns a redacted copy.
func (r *Redactor) Pod(p *corev1.Pod) *corev1.Pod {
	p = p.DeepCopy()
	r.meta(&p.ObjectMeta)
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

// DaemonSet returns a copy that is redacted, its template too.
func (r *Redactor) DaemonSet(d *appsv1.DaemonSet) *appsv1.DaemonSet {
	d = d.DeepCopy()
	r.meta(&d.ObjectMeta)
	if d.Spec.Selector != nil {
		r.labels(d.Spec.Selector.MatchLabels)
	}
	r.meta(&d.Spec.Template.ObjectMeta)
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

func (r *Redactor) meta(m *metav1.ObjectMeta) {
	m.ManagedFields = nil
	m.Annotations = keptAnnotations(m.Annotations)
	r.labels(m.Labels)
}

// labels masks the values that have the looks of a token. The same value
// becomes the same everywhere, so that selectors still select.
func (r *Redactor) labels(m map[string]string) {
	for k, v := range m {
		if masked := r.label(v); masked != v {
			m[k] = masked
		}
	}
}

// label masks a value of a label.
func (r *Redactor) label(v string) string {
	if !mayHoldToken(v) {
		return v
	}
	masked, ok := r.labelled[v]
	if !ok {
		if r.labelled == nil {
			r.labelled = map[string]string{}
		}
		masked = r.token(v)
		r.labelled[v] = masked
	}
	return masked
}

// Labels returns m with the values masked that have the looks of a token: m
// itself where there is none.
func (r *Redactor) Labels(m map[string]string) map[string]string {
	for _, v := range m {
		if r.label(v) != v {
			m = maps.Clone(m)
			r.labels(m)
			return m
		}
	}
	return m
}

// What podSpec does to the fields of a pod, Revision does to the same fields
// in JSON; a test compares the two.
func (r *Redactor) podSpec(s *corev1.PodSpec) {
	r.labels(s.NodeSelector)
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
			v.GitRepo.Repository = r.value("repository", v.GitRepo.Repository)
		}
		if v.Projected != nil {
			for j := range v.Projected.Sources {
				if p := v.Projected.Sources[j].PodCertificate; p != nil {
					r.values(p.UserAnnotations)
				}
			}
		}
		if v.Ephemeral != nil && v.Ephemeral.VolumeClaimTemplate != nil {
			r.meta(&v.Ephemeral.VolumeClaimTemplate.ObjectMeta)
		}
	}
}

func (r *Redactor) container(c *corev1.Container) {
	r.words(c.Command, true)
	r.words(c.Args, false)
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
		r.words(exec.Command, true)
	}
	if get != nil {
		get.Path = r.path(get.Path)
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
// them, and kubectl puts whole command lines and manifests there.
var keptDomains = map[string]bool{
	APIGroup:                           true,
	"scheduler.alpha.kubernetes.io":    true,
	"cluster-autoscaler.kubernetes.io": true,
	"meta.helm.sh":                     true,
	"kustomize.toolkit.fluxcd.io":      true,
	"helm.toolkit.fluxcd.io":           true,
}

var keptNames = map[string]bool{
	appsv1.DeprecatedTemplateGeneration:                      true,
	corev1.MirrorPodAnnotationKey:                            true,
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
			out[k] = MaskText(v)
		}
	}
	return out
}
