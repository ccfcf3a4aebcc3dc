package eligibility

import (
	"fmt"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Class says what a transient taint tells about its node. A structural taint
// has the empty class.
type Class string

// Classes of transient taints.
const (
	Arriving Class = "arriving" // the node or one of its agents is starting
	Broken   Class = "broken"   // the node is unwell
	Leaving  Class = "leaving"  // the node is about to be removed
	Declared Class = "declared" // named by --transient-taints
)

// Transient tells transient taints from structural ones: those that come and
// go by themselves from those that somebody chose.
type Transient map[string]Class

// known lists taint keys that come and go, with the component that sets them.
// A trailing * matches any rest, a leading * any beginning.
var known = Transient{
	corev1.TaintNodeNotReady:           Broken, // node lifecycle controller
	corev1.TaintNodeUnreachable:        Broken,
	corev1.TaintNodeOutOfService:       Broken, // set by a person after an outage
	corev1.TaintNodeMemoryPressure:     Broken,
	corev1.TaintNodeDiskPressure:       Broken,
	corev1.TaintNodePIDPressure:        Broken,
	corev1.TaintNodeNetworkUnavailable: Arriving, // until the cloud's route exists

	"node.cloudprovider.kubernetes.io/uninitialized":   Arriving, // kubelet with an external cloud provider
	"node.cloudprovider.kubernetes.io/shutdown":        Broken,   // cloud node lifecycle controller
	"node.cluster.x-k8s.io/uninitialized":              Arriving, // Cluster API
	"karpenter.sh/unregistered":                        Arriving,
	"*/agent-not-ready":                                Arriving, // CSI drivers of AWS, Cilium
	"node.cilium.io/agent-not-ready":                   Arriving,
	"startup-taint.cluster-autoscaler.kubernetes.io/*": Arriving,
	"ignore-taint.cluster-autoscaler.kubernetes.io/*":  Arriving,
	"readiness.k8s.io/*":                               Arriving, // node readiness controller
	"nidhogg.uswitch.com/*":                            Arriving,

	"ToBeDeletedByClusterAutoscaler":              Leaving,
	"DeletionCandidateOfClusterAutoscaler":        Leaving,
	"karpenter.sh/disrupted":                      Leaving,
	"karpenter.sh/disruption":                     Leaving, // before v1
	"cloud.google.com/impending-node-termination": Leaving,
	"aws-node-termination-handler/*":              Leaving,
}

// pattern is what the keys of taints are made of, and a * at the end.
var pattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]*\*?$`)

// NewTransient returns the known transient taints and those of the patterns:
// a taint key, or a prefix that ends in *.
func NewTransient(patterns []string) (Transient, error) {
	t := make(Transient, len(known)+len(patterns))
	for k, c := range known {
		t[k] = c
	}
	for _, p := range patterns {
		p = strings.TrimSpace(p)
		if i := strings.IndexAny(p, "=:"); i > 0 && pattern.MatchString(p[:i]) {
			return nil, fmt.Errorf("%q has a value or an effect, and only the key counts: %s", p, p[:i])
		}
		if !pattern.MatchString(p) { // no taint would ever match it
			return nil, fmt.Errorf("%q is neither a taint key nor a prefix that ends in *, as in example.com/starting or example.com/*", p)
		}
		if _, ok := t[p]; !ok {
			t[p] = Declared
		}
	}
	return t, nil
}

// Class returns the class of a taint, empty for a structural one.
func (t Transient) Class(taint *corev1.Taint) Class {
	if c, ok := t[taint.Key]; ok {
		return c
	}
	// The longest pattern wins, so that the answer does not depend on the
	// order of a map.
	best, class := -1, Class("")
	for p, c := range t {
		var hit bool
		switch {
		case strings.HasSuffix(p, "*"):
			hit = strings.HasPrefix(taint.Key, p[:len(p)-1])
		case strings.HasPrefix(p, "*"):
			hit = strings.HasSuffix(taint.Key, p[1:])
		}
		if hit && (len(p) > best || len(p) == best && c < class) {
			best, class = len(p), c
		}
	}
	return class
}
