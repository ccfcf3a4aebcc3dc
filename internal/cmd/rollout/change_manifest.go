package rollout

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/cli-runtime/pkg/resource"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
)

// manifest is a DaemonSet as a file has it, before any default.
type manifest struct {
	typed *appsv1.DaemonSet
	spec  map[string]any // as written
	// others are the objects beside it, as in "Namespace/agents".
	others []string
}

// readManifest reads the DaemonSet that is looked at out of a manifest.
func readManifest(path string, stdin io.Reader, ds *appsv1.DaemonSet) (*manifest, error) {
	objects, err := manifestObjects(path, stdin)
	if err != nil {
		return nil, cli.Usagef("-f %s: %w", path, err)
	}
	at, others, err := oneOfThem(objects, ds)
	if err != nil {
		return nil, cli.Usagef("-f %s %w", path, err)
	}
	m, err := manifestOf(at, ds)
	if err != nil {
		return nil, cli.Usagef("-f %s: %w", path, err)
	}
	m.others = others
	return m, nil
}

// oneOfThem finds the DaemonSet among the objects of a manifest. What else it
// holds is named, and not brought.
func oneOfThem(objects []*unstructured.Unstructured, ds *appsv1.DaemonSet) (at *unstructured.Unstructured, others []string, err error) {
	if len(objects) == 1 {
		return objects[0], nil, nil
	}
	found := 0
	for _, u := range objects {
		if ns := u.GetNamespace(); u.GetKind() == "DaemonSet" && u.GetName() == ds.Name && (ns == "" || ns == ds.Namespace) {
			at = u
			found++
			continue
		}
		others = append(others, u.GetKind()+"/"+u.GetName())
	}
	if found != 1 {
		return nil, nil, fmt.Errorf("holds %d objects, and %d of them are daemonset %s/%s: one must be", len(objects), found, ds.Namespace, ds.Name)
	}
	return at, others, nil
}

func manifestObjects(path string, stdin io.Reader) ([]*unstructured.Unstructured, error) {
	b := resource.NewLocalBuilder().Unstructured()
	if path == stdinPath {
		if stdin == nil {
			return nil, errors.New("there is no standard input")
		}
		b = b.Stream(stdin, "standard input")
	} else {
		b = b.FilenameParam(false, &resource.FilenameOptions{Filenames: []string{path}})
	}
	infos, err := b.Flatten().Do().Infos()
	if err != nil {
		return nil, err
	}
	var out []*unstructured.Unstructured
	for _, info := range infos {
		u, ok := info.Object.(*unstructured.Unstructured)
		if !ok {
			return nil, fmt.Errorf("%s is not an object", info.Source)
		}
		out = append(out, u)
	}
	return out, nil
}

func manifestOf(u *unstructured.Unstructured, ds *appsv1.DaemonSet) (*manifest, error) {
	if gv := appsv1.SchemeGroupVersion.String(); u.GetKind() != "DaemonSet" || u.GetAPIVersion() != gv {
		return nil, fmt.Errorf("it is a %s of %s, not a DaemonSet of %s", u.GetKind(), u.GetAPIVersion(), gv)
	}
	if ns := u.GetNamespace(); u.GetName() != ds.Name || ns != "" && ns != ds.Namespace {
		return nil, fmt.Errorf("it is daemonset %s, not %s/%s", strings.TrimPrefix(ns+"/"+u.GetName(), "/"), ds.Namespace, ds.Name)
	}
	typed := &appsv1.DaemonSet{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(u.Object, typed, true); err != nil {
		return nil, err
	}
	if sel := typed.Spec.Selector; sel != nil && !equality.Semantic.DeepEqual(sel, ds.Spec.Selector) {
		return nil, errors.New("it changes spec.selector, which cannot be changed: the DaemonSet would have to be deleted and made again")
	}
	spec, _, err := unstructured.NestedMap(u.Object, "spec")
	if err != nil {
		return nil, err
	}
	if _, ok := spec["template"]; !ok {
		return nil, errors.New("it has no spec.template")
	}
	return &manifest{typed: typed, spec: spec}, nil
}

// applied is what kubectl apply would make of the template: fields that the
// manifest no longer has go, if it was applied before; what others added, and
// defaults, stay.
func (l *live) applied(m *manifest) (*change, error) {
	const failed = "compute what the manifest changes: %w"
	now, err := json.Marshal(specOf(l.ds.Spec.Template))
	if err != nil {
		return nil, fmt.Errorf(failed, err)
	}
	wanted, err := json.Marshal(specOf(m.spec["template"]))
	if err != nil {
		return nil, fmt.Errorf(failed, err)
	}
	meta, err := strategicpatch.NewPatchMetaFromStruct(appsv1.DaemonSet{})
	if err != nil {
		return nil, fmt.Errorf(failed, err)
	}
	patch, err := strategicpatch.CreateThreeWayMergePatch(l.lastApplied(), wanted, now, meta, true)
	if err != nil {
		return nil, cli.Usagef(failed, err)
	}
	is, err := strategicpatch.StrategicMergePatch(now, patch, appsv1.DaemonSet{})
	if err != nil {
		return nil, cli.Usagef(failed, err)
	}
	var out appsv1.DaemonSet
	if err := json.Unmarshal(is, &out); err != nil {
		return nil, cli.Usagef(failed, err)
	}
	sel, err := metav1.LabelSelectorAsSelector(l.ds.Spec.Selector)
	if is := labels.Set(out.Spec.Template.Labels); err == nil && !sel.Matches(is) {
		return nil, cli.Usagef("the labels of the manifest's template (%s) do not match spec.selector (%s): the API server would refuse it", is, sel)
	}
	return l.changeTo(&out.Spec.Template, m.notes(l.ds)...), nil
}

// specOf is an object with nothing but a template.
func specOf(template any) map[string]any {
	return map[string]any{"spec": map[string]any{"template": template}}
}

// lastApplied is the template that kubectl apply last sent, or nothing.
func (l *live) lastApplied() []byte {
	raw := l.ds.Annotations[corev1.LastAppliedConfigAnnotation]
	var old struct {
		Spec struct {
			Template json.RawMessage `json:"template"`
		} `json:"spec"`
	}
	if raw == "" || json.Unmarshal([]byte(raw), &old) != nil || old.Spec.Template == nil {
		return nil
	}
	b, err := json.Marshal(specOf(old.Spec.Template))
	if err != nil {
		return nil
	}
	return b
}

// notes say what of the manifest is not brought.
func (m *manifest) notes(ds *appsv1.DaemonSet) []string {
	var out []string
	if len(m.others) > 0 {
		out = append(out, "the file holds more than the DaemonSet, and the run brings its template alone: "+strings.Join(m.others, ", "))
	}
	if t := m.typed.Spec.UpdateStrategy.Type; t != "" {
		note := "the manifest sets updateStrategy.type " + string(t) + ": the run takes its template alone"
		if t != appsv1.OnDeleteDaemonSetStrategyType {
			note += ", and kubectl apply of it in the middle of the run would take the strategy back"
		}
		out = append(out, note)
	}
	var others []string
	for _, f := range []struct {
		name    string
		differs bool
	}{
		{"minReadySeconds", m.spec["minReadySeconds"] != nil && m.typed.Spec.MinReadySeconds != ds.Spec.MinReadySeconds},
		{"revisionHistoryLimit", m.typed.Spec.RevisionHistoryLimit != nil && !equality.Semantic.DeepEqual(m.typed.Spec.RevisionHistoryLimit, ds.Spec.RevisionHistoryLimit)},
	} {
		if f.differs {
			others = append(others, f.name)
		}
	}
	if len(others) > 0 {
		out = append(out, "the manifest changes "+strings.Join(others, " and ")+", too: the run takes its template alone")
	}
	return out
}
