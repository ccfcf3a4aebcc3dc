package kube

import (
	"encoding/json"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// A patch carries metadata.uid and metadata.resourceVersion: the API server
// answers 409 where the object is another one, or is not as it was
// (apiserver/pkg/endpoints/handlers/patch.go and registry/generic/registry/
// store.go, v1.37.2). A null removes.

type tree = map[string]any

func metadata(uid types.UID, resourceVersion string, annotations tree) tree {
	return tree{"uid": uid, "resourceVersion": resourceVersion, "annotations": annotations}
}

const onDelete = string(appsv1.OnDeleteDaemonSetStrategyType)

// armPatch changes strategy, annotation, and template if there is a new one.
// rollingUpdate stays beside OnDelete, so that type alone gives it all back.
func armPatch(ds *appsv1.DaemonSet, a *rollout.Arm) (tree, error) {
	if ds.ResourceVersion != a.ResourceVersion {
		return nil, fmt.Errorf("the difference of the template is to version %s, not %s", ds.ResourceVersion, a.ResourceVersion)
	}
	spec := tree{"updateStrategy": tree{"type": onDelete}}
	if a.Template != nil {
		next := *ds
		next.Spec.Template = *a.Template
		changed, err := difference(ds, &next)
		if err != nil {
			return nil, err
		}
		for k, v := range changed {
			spec[k] = v
		}
	}
	return tree{
		"metadata": metadata(a.UID, a.ResourceVersion, tree{rollout.ArmAnnotation: a.Armed.String()}),
		"spec":     spec,
	}, nil
}

// difference is the spec of a strategic merge patch from one DaemonSet to
// another.
func difference(from, to *appsv1.DaemonSet) (tree, error) {
	was, err := json.Marshal(from)
	if err != nil {
		return nil, fmt.Errorf("encode the template: %w", err)
	}
	is, err := json.Marshal(to)
	if err != nil {
		return nil, fmt.Errorf("encode the template: %w", err)
	}
	patch, err := strategicpatch.CreateTwoWayMergePatch(was, is, appsv1.DaemonSet{})
	if err != nil {
		return nil, fmt.Errorf("compare the templates: %w", err)
	}
	var out struct {
		Spec tree `json:"spec"`
	}
	if err := json.Unmarshal(patch, &out); err != nil {
		return nil, fmt.Errorf("compare the templates: %w", err)
	}
	return out.Spec, nil
}

func handBackPatch(a *rollout.HandBack) tree {
	out := tree{"metadata": metadata(a.UID, a.ResourceVersion, tree{rollout.ArmAnnotation: nil})}
	if a.Strategy != "" {
		out["spec"] = tree{"updateStrategy": tree{"type": a.Strategy}}
	}
	return out
}

// putBackPatch is the data of a ControllerRevision, which is a strategic merge
// patch itself, as kubectl rollout undo sends it, with the strategy held.
func putBackPatch(a *rollout.PutBack) (tree, error) {
	var out tree
	if err := json.Unmarshal(a.Data, &out); err != nil {
		return nil, fmt.Errorf("revision %s holds no patch: %w", a.Revision.Name, err)
	}
	spec, ok := out["spec"].(tree)
	if !ok || spec["template"] == nil || len(out) != 1 || len(spec) != 1 {
		return nil, fmt.Errorf("revision %s holds something other than a template", a.Revision.Name)
	}
	spec["updateStrategy"] = tree{"type": onDelete}
	out["metadata"] = tree{"uid": a.UID, "resourceVersion": a.ResourceVersion}
	return out, nil
}

func cleanPatch(a *rollout.CleanRevision) tree {
	return tree{"metadata": metadata(a.UID, a.ResourceVersion, tree{rollout.ArmAnnotation: nil})}
}

func cordonPatch(a *rollout.Cordon) tree {
	return tree{
		"metadata": metadata(a.UID, a.ResourceVersion, tree{rollout.MarkAnnotation: a.Mark.String()}),
		"spec":     tree{"unschedulable": true},
	}
}

// uncordonPatch removes the field where it is false, as kubectl uncordon does
// by its zero value.
func uncordonPatch(a *rollout.Uncordon) tree {
	var unschedulable any
	if a.Unschedulable {
		unschedulable = true
	}
	return tree{
		"metadata": metadata(a.UID, a.ResourceVersion, tree{rollout.MarkAnnotation: nil}),
		"spec":     tree{"unschedulable": unschedulable},
	}
}

func jsonOf(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode the patch: %w", err)
	}
	return b, nil
}
