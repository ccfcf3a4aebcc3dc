package snapshot

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/component-helpers/resource"
)

// Pod is the compact record of a pod: what verdicts and arithmetic read.
// Strings, labels, requests and ports are shared between pods by an Interner
// and must not be changed.
type Pod struct {
	Namespace       string
	Name            string
	UID             types.UID
	ResourceVersion string
	Node            string // spec.nodeName: bound to it
	Target          string // the node that spec.affinity pins it to, as the DaemonSet controller does
	Nominated       string // status.nominatedNodeName: the scheduler keeps or makes room for it there
	Owner           *Owner // the controlling owner; nil for an orphan
	Labels          map[string]string
	Phase           corev1.PodPhase
	Changed         bool // metadata.generation is above 1: the spec is not as it was made, as after a resize in place
	Ready           bool
	ReadySince      Time // last transition of the condition Ready
	Created         Time
	Deleted         Time // metadata.deletionTimestamp: when the grace ends
	Restarts        int32
	Priority        int32
	Requests        *Requests
	HostPorts       *[]HostPort // nil for none
	// Full is the whole object without managed fields; nil where the pod is
	// well and nobody asked for details.
	Full *corev1.Pod
}

// Owner is a pod's controlling owner.
type Owner struct {
	Kind string
	Name string
	UID  types.UID
}

// Requests are what the scheduler reserves for a pod: containers, init
// containers, sidecars and overhead taken together.
type Requests struct {
	MilliCPU         int64
	Memory           int64 // bytes
	EphemeralStorage int64 // bytes
	// Extended is sorted by name: extended resources, hugepages.
	Extended []Extended
}

// Equal reports whether both reserve the same.
func (r *Requests) Equal(o *Requests) bool {
	return r.MilliCPU == o.MilliCPU && r.Memory == o.Memory && r.EphemeralStorage == o.EphemeralStorage && slices.Equal(r.Extended, o.Extended)
}

// Extended is the request of a resource beside cpu, memory and
// ephemeral-storage, in the resource's own unit.
type Extended struct {
	Name  corev1.ResourceName
	Value int64
}

// HostPort is a port that a pod takes on its node.
type HostPort struct {
	IP       string // empty means all
	Protocol corev1.Protocol
	Port     int32
}

// Time is seconds since 1970, the precision of the API; 0 is unset.
type Time int64

// TimeOf converts; the zero time and nil give 0.
func TimeOf(t *metav1.Time) Time {
	if t == nil || t.IsZero() {
		return 0
	}
	return Time(t.Unix())
}

// EffectiveNode is the node that the DaemonSet controller maps the pod to:
// where it is bound, else where it is pinned; empty if neither.
// Mirrors util.GetTargetNodeName (pkg/controller/daemon/util, v1.37.2).
func (p *Pod) EffectiveNode() string {
	if p.Node != "" {
		return p.Node
	}
	return p.Target
}

// Terminal reports whether the pod has ended for good.
func (p *Pod) Terminal() bool {
	return p.Phase == corev1.PodFailed || p.Phase == corev1.PodSucceeded
}

// Well reports whether nothing about the pod needs a closer look, so that its
// compact record is enough.
func (p *Pod) Well() bool {
	return p.Ready && p.Deleted == 0 && p.Phase == corev1.PodRunning
}

// Interner shares equal values between the pods of one snapshot. The zero
// value is ready. It is not safe for concurrent use.
type Interner struct {
	strings  map[string]string
	owners   map[Owner]*Owner
	labels   map[string]map[string]string
	requests map[string]*Requests
	ports    map[string]*[]HostPort
	key      []byte
}

// String returns the shared copy of s.
func (in *Interner) String(s string) string {
	if s == "" {
		return ""
	}
	if v, ok := in.strings[s]; ok {
		return v
	}
	if in.strings == nil {
		in.strings = map[string]string{}
	}
	s = strings.Clone(s)
	in.strings[s] = s
	return s
}

// Pod makes the record of p. The object itself is kept where the pod is not
// well; without managed fields, since no verdict reads them. p is not changed.
func (in *Interner) Pod(p *corev1.Pod) Pod {
	out := in.compact(p)
	if !out.Well() {
		full := *p // shallow: only the metadata is replaced
		full.ManagedFields = nil
		out.Full = &full
	}
	return out
}

// FullPod makes the record of p and keeps the object in any case: for detail
// views.
func (in *Interner) FullPod(p *corev1.Pod) Pod {
	out := in.compact(p)
	full := *p
	full.ManagedFields = nil
	out.Full = &full
	return out
}

func (in *Interner) compact(p *corev1.Pod) Pod {
	out := Pod{
		Namespace:       in.String(p.Namespace),
		Name:            strings.Clone(p.Name),
		UID:             types.UID(strings.Clone(string(p.UID))),
		ResourceVersion: strings.Clone(p.ResourceVersion),
		Node:            in.String(p.Spec.NodeName),
		Target:          in.String(TargetNode(p)),
		Nominated:       in.String(p.Status.NominatedNodeName),
		Labels:          in.labelSet(p.Labels),
		Phase:           corev1.PodPhase(in.String(string(p.Status.Phase))),
		Changed:         p.Generation > 1,
		Created:         TimeOf(&p.CreationTimestamp),
		Deleted:         TimeOf(p.DeletionTimestamp),
		Requests:        in.podRequests(p),
		HostPorts:       in.hostPorts(p),
	}
	if ref := metav1.GetControllerOfNoCopy(p); ref != nil {
		out.Owner = in.owner(Owner{Kind: ref.Kind, Name: ref.Name, UID: ref.UID})
	}
	if p.Spec.Priority != nil {
		out.Priority = *p.Spec.Priority
	}
	for i := range p.Status.Conditions {
		if c := &p.Status.Conditions[i]; c.Type == corev1.PodReady {
			out.Ready = c.Status == corev1.ConditionTrue
			out.ReadySince = TimeOf(&c.LastTransitionTime)
		}
	}
	for i := range p.Status.ContainerStatuses {
		out.Restarts += p.Status.ContainerStatuses[i].RestartCount
	}
	for i := range p.Status.InitContainerStatuses {
		out.Restarts += p.Status.InitContainerStatuses[i].RestartCount
	}
	return out
}

// TargetNode is the node that a pod's required node affinity names by
// matchFields metadata.name In [x] with one value, in the first term that has
// it; empty if none. Mirrors the second half of util.GetTargetNodeName
// (pkg/controller/daemon/util/daemonset_util.go, v1.37.2).
func TargetNode(p *corev1.Pod) string {
	a := p.Spec.Affinity
	if a == nil || a.NodeAffinity == nil || a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return ""
	}
	terms := a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms
	for i := range terms {
		for _, f := range terms[i].MatchFields {
			if f.Key == metav1.ObjectNameField && f.Operator == corev1.NodeSelectorOpIn && len(f.Values) == 1 {
				return f.Values[0]
			}
		}
	}
	return ""
}

func (in *Interner) owner(o Owner) *Owner {
	if v, ok := in.owners[o]; ok {
		return v
	}
	if in.owners == nil {
		in.owners = map[Owner]*Owner{}
	}
	v := &Owner{Kind: strings.Clone(o.Kind), Name: strings.Clone(o.Name), UID: types.UID(strings.Clone(string(o.UID)))}
	in.owners[*v] = v
	return v
}

// labelSet shares one map between all pods with the same labels: the pods of
// one revision of a DaemonSet differ in nothing.
func (in *Interner) labelSet(m map[string]string) map[string]string {
	if len(m) == 0 {
		return nil
	}
	keys := make([]string, 0, 16)
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	in.key = in.key[:0]
	for _, k := range keys {
		in.key = append(append(append(append(in.key, k...), 0), m[k]...), 0)
	}
	if v, ok := in.labels[string(in.key)]; ok {
		return v
	}
	if in.labels == nil {
		in.labels = map[string]map[string]string{}
	}
	v := make(map[string]string, len(m))
	for _, k := range keys {
		v[in.String(k)] = in.String(m[k])
	}
	in.labels[string(in.key)] = v
	return v
}

func (in *Interner) podRequests(p *corev1.Pod) *Requests {
	// What the kubelet has allocated counts where it is more than the spec asks,
	// as in the scheduler (PodInfo.CalculateResource, v1.37.2): of containers
	// since 1.33, of the pod as a whole since 1.36, of claims where the gate
	// DRANodeAllocatableResources is on. A server without them leaves the fields
	// of status empty.
	list := resource.PodRequests(p, resource.PodResourcesOptions{
		UseStatusResources: true, InPlacePodLevelResourcesVerticalScalingEnabled: true, UseDRANodeAllocatableResourceClaimStatus: true,
	})
	return in.Requests(list)
}

// Requests makes the shared form of a resource list.
func (in *Interner) Requests(list corev1.ResourceList) *Requests {
	r := RequestsOf(list)
	in.key = in.key[:0]
	in.key = appendInt(appendInt(appendInt(in.key, r.MilliCPU), r.Memory), r.EphemeralStorage)
	for _, e := range r.Extended {
		in.key = appendInt(append(append(in.key, e.Name...), 0), e.Value)
	}
	if v, ok := in.requests[string(in.key)]; ok {
		return v
	}
	if in.requests == nil {
		in.requests = map[string]*Requests{}
	}
	in.requests[string(in.key)] = &r
	return &r
}

// RequestsOf converts a resource list.
func RequestsOf(list corev1.ResourceList) Requests {
	var r Requests
	for name, q := range list {
		switch name {
		case corev1.ResourceCPU:
			r.MilliCPU = q.MilliValue()
		case corev1.ResourceMemory:
			r.Memory = q.Value()
		case corev1.ResourceEphemeralStorage:
			r.EphemeralStorage = q.Value()
		case corev1.ResourcePods:
		default:
			r.Extended = append(r.Extended, Extended{Name: corev1.ResourceName(strings.Clone(string(name))), Value: q.Value()})
		}
	}
	slices.SortFunc(r.Extended, func(a, b Extended) int { return strings.Compare(string(a.Name), string(b.Name)) })
	return r
}

func appendInt(b []byte, v int64) []byte {
	for i := 0; i < 64; i += 8 {
		b = append(b, byte(v>>i))
	}
	return b
}

func (in *Interner) hostPorts(p *corev1.Pod) *[]HostPort {
	ports := HostPortsOf(&p.Spec)
	if len(ports) == 0 {
		return nil
	}
	in.key = in.key[:0]
	for _, h := range ports {
		in.key = append(append(append(append(in.key, h.IP...), 0), h.Protocol...), 0)
		in.key = appendInt(in.key, int64(h.Port))
	}
	if v, ok := in.ports[string(in.key)]; ok {
		return v
	}
	if in.ports == nil {
		in.ports = map[string]*[]HostPort{}
	}
	in.ports[string(in.key)] = &ports
	return &ports
}

// HostPortsOf lists the ports that a pod takes on its node: of all containers
// and of sidecars, in order. An absent protocol is TCP.
func HostPortsOf(spec *corev1.PodSpec) []HostPort {
	var out []HostPort
	add := func(c *corev1.Container) {
		for _, p := range c.Ports {
			if p.HostPort > 0 {
				ip := p.HostIP
				if ip == "0.0.0.0" {
					ip = ""
				}
				proto := p.Protocol
				if proto == "" {
					proto = corev1.ProtocolTCP
				}
				out = append(out, HostPort{IP: strings.Clone(ip), Protocol: proto, Port: p.HostPort})
			}
		}
	}
	for i := range spec.InitContainers {
		c := &spec.InitContainers[i]
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			add(c)
		}
	}
	for i := range spec.Containers {
		add(&spec.Containers[i])
	}
	return out
}
