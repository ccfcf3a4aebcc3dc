package coverage

import (
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// Labels and annotations that tie a pod to a revision.
const (
	hashLabel            = appsv1.DefaultDaemonSetUniqueLabelKey
	generationLabel      = "pod-template-generation"
	generationAnnotation = appsv1.DeprecatedTemplateGeneration
)

// target tells pods of the current revision from others.
type target struct {
	Revision
	created    snapshot.Time
	generation string // template generation, empty if the annotation is absent
}

// currentTarget finds the current revision of d: the highest of those that it
// owns, since constructHistory of pkg/controller/daemon/update.go (v1.37.2)
// raises the one that equals the template. While the newest generation is not
// observed that revision may not exist yet; then only the template generation
// tells. Without revisions the pods may tell (see infer).
func currentTarget(d *appsv1.DaemonSet, revisions []*appsv1.ControllerRevision, pods []snapshot.Pod, owned []int32) target {
	var t target
	if g, err := strconv.ParseInt(d.Annotations[generationAnnotation], 10, 64); err == nil {
		t.generation = strconv.FormatInt(g, 10)
	}
	var best *appsv1.ControllerRevision
	for _, r := range revisions {
		if best == nil || r.Revision > best.Revision {
			best = r
		}
	}
	switch {
	case best == nil:
		t.infer(d, pods, owned)
	case d.Status.ObservedGeneration >= d.Generation || t.generation == "":
		t.Revision = Revision{Name: best.Name, Hash: best.Labels[hashLabel], Number: best.Revision}
		t.created = snapshot.TimeOf(&best.CreationTimestamp)
	}
	return t
}

// infer takes the revision from the pods. One that carries the current template
// generation lends its hash. Where none does, generations say nothing: pods that
// an undone update left alone carry an older one, and are current all the same.
// Pods of one hash are then what status has counted: all of them updated, or
// none. Else nothing tells.
func (t *target) infer(d *appsv1.DaemonSet, pods []snapshot.Pod, owned []int32) {
	t.Inferred = true
	hashes := map[string]bool{}
	var one string
	for _, i := range owned {
		l := pods[i].Labels
		if one = l[hashLabel]; t.generation != "" && l[generationLabel] == t.generation && one != "" {
			t.Hash = one
			return
		}
		hashes[one] = true
	}
	s := &d.Status
	switch settled := s.ObservedGeneration >= d.Generation && s.CurrentNumberScheduled > 0 && len(hashes) == 1 && one != ""; {
	case settled && s.UpdatedNumberScheduled == s.CurrentNumberScheduled:
		t.Hash = one
	case settled && s.UpdatedNumberScheduled == 0:
	default:
		t.generation = ""
	}
}

// known reports whether anything tells current pods from others.
func (t *target) known() bool { return t.Hash != "" || t.generation != "" }

// updated mirrors util.IsPodUpdated (pkg/controller/daemon/util, v1.37.2).
func (t *target) updated(p *snapshot.Pod) bool {
	return t.Hash != "" && p.Labels[hashLabel] == t.Hash ||
		t.generation != "" && p.Labels[generationLabel] == t.generation
}

// revisionsByOwner groups revisions by their controlling DaemonSet.
func revisionsByOwner(s *snapshot.Snapshot) map[types.UID][]*appsv1.ControllerRevision {
	out := map[types.UID][]*appsv1.ControllerRevision{}
	for _, r := range s.Revisions {
		for i := range r.OwnerReferences {
			if ref := &r.OwnerReferences[i]; ref.Controller != nil && *ref.Controller {
				out[ref.UID] = append(out[ref.UID], r)
			}
		}
	}
	return out
}
