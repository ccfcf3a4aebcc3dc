package rollout

import (
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// Everything that a run writes beside the DaemonSet's own fields.
const (
	// ArmAnnotation on the DaemonSet tells that a run, or `arm`, changed its
	// update strategy, and what it was. The controller copies it into
	// ControllerRevisions (cleanupHistory and snapshot in
	// pkg/controller/daemon/update.go, v1.37.2): the end of a run removes both.
	ArmAnnotation = snapshot.ArmAnnotation
	// MarkAnnotation on a Node tells that a run cordoned it.
	MarkAnnotation = snapshot.APIGroup + "/cordon"
	// RunAnnotation and IntentsAnnotation on the Lease hold the run, and what
	// other terminals ask of it.
	RunAnnotation     = snapshot.APIGroup + "/run"
	IntentsAnnotation = snapshot.APIGroup + "/intents"
)

// LeaseName is the name of the Lease of a DaemonSet's run, in its namespace.
func LeaseName(daemonSet string) string {
	return snapshot.RolloutLease(daemonSet)
}

// hashLabel is the label of pods and revisions that names the revision.
const hashLabel = appsv1.DefaultDaemonSetUniqueLabelKey

// Labels that a node's zone and architecture are read from; the second is the
// name before Kubernetes 1.17.
const (
	zoneLabel    = "topology.kubernetes.io/zone"
	oldZoneLabel = "failure-domain.beta.kubernetes.io/zone"
	archLabel    = "kubernetes.io/arch"
)

// ShortUID is how a scope names an object's UID: the first eight digits. A
// scope of 5,000 nodes has to fit one annotation, random digits do not
// compress, and one in four thousand million is enough to tell a node from
// its namesake.
func ShortUID(uid types.UID) string {
	if len(uid) > 8 {
		return string(uid[:8])
	}
	return string(uid)
}
