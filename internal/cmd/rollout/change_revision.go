package rollout

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
)

// toRevision is the change back to an older revision.
func (l *live) toRevision(number int64) (*change, error) {
	i := slices.IndexFunc(l.revisions, func(r *appsv1.ControllerRevision) bool { return r.Revision == number })
	if i < 0 {
		return nil, l.noRevision(number)
	}
	t, err := templateOf(l.ds, l.revisions[i])
	if err != nil {
		return nil, err
	}
	return l.changeTo(t), nil
}

func (l *live) noRevision(number int64) error {
	var there []int64
	for _, r := range l.revisions {
		there = append(there, r.Revision)
	}
	slices.Sort(there)
	words := make([]string, 0, len(there))
	for _, n := range there {
		words = append(words, strconv.FormatInt(n, 10))
	}
	have := "it has none"
	if len(words) > 0 {
		have = "there are " + strings.Join(words, ", ")
		if len(words) == 1 {
			have = "there is " + words[0]
		}
	}
	return cli.Usagef("daemonset %s/%s has no revision %d any more: %s", l.ds.Namespace, l.ds.Name, number, have)
}

// templateOf is the template of a revision. Its data is a strategic merge
// patch that replaces the template (getPatch in pkg/controller/daemon/update.go,
// v1.37.2).
func templateOf(ds *appsv1.DaemonSet, r *appsv1.ControllerRevision) (*corev1.PodTemplateSpec, error) {
	was, err := json.Marshal(ds)
	if err != nil {
		return nil, fmt.Errorf("encode the DaemonSet: %w", err)
	}
	is, err := strategicpatch.StrategicMergePatch(was, r.Data.Raw, appsv1.DaemonSet{})
	if err != nil {
		return nil, cli.Usagef("revision %d (%s) does not hold a template: %w", r.Revision, r.Name, err)
	}
	var out appsv1.DaemonSet
	if err := json.Unmarshal(is, &out); err != nil {
		return nil, cli.Usagef("revision %d (%s) does not hold a template: %w", r.Revision, r.Name, err)
	}
	return &out.Spec.Template, nil
}
