package rollout

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Owner is somebody beside people who will set fields of the DaemonSet again.
type Owner struct {
	Name     string `json:"name"`     // as --allow-owner takes it
	Evidence string `json:"evidence"` // where that is seen
	Template bool   `json:"template,omitempty"`
	Strategy bool   `json:"strategy,omitempty"`
	// Maybe tells that the strategy may only have been defaulted: an update
	// (not an apply) owns what the server fills in, too, as with Helm 3.
	Maybe bool `json:"maybe,omitempty"`
}

// people are field managers of commands that a person types: they set a field
// once.
var people = []string{"kubectl", "kubectl-", "k9s", "Mozilla", "node-fetch", "curl", "dashboard", "kube-controller-manager"}

// OwnersOf names who owns template and strategy, by managed fields, the
// controller reference, and the marks that tools leave on what they apply. It
// looks at metadata only. Sorted by name.
func OwnersOf(m *metav1.ObjectMeta) []Owner {
	var out []Owner
	add := func(o Owner) {
		if i := slices.IndexFunc(out, func(x Owner) bool { return x.Name == o.Name }); i >= 0 {
			out[i].Template = out[i].Template || o.Template
			out[i].Maybe = out[i].Maybe && !(o.Strategy && !o.Maybe) || !out[i].Strategy && o.Maybe
			out[i].Strategy = out[i].Strategy || o.Strategy
			return
		}
		out = append(out, o)
	}
	for i := range m.ManagedFields {
		e := &m.ManagedFields[i]
		if byPerson(e.Manager) {
			continue
		}
		o := Owner{Name: e.Manager, Evidence: "managed fields", Template: owns(e, "f:spec", "f:template"), Strategy: owns(e, "f:spec", "f:updateStrategy")}
		o.Maybe = o.Strategy && e.Operation == metav1.ManagedFieldsOperationUpdate
		if o.Template || o.Strategy {
			add(o)
		}
	}
	if ref := metav1.GetControllerOfNoCopy(m); ref != nil {
		add(Owner{Name: ref.Kind + "/" + ref.Name, Evidence: "controller reference", Template: true, Strategy: true})
	}
	for _, k := range marks {
		if v, ok := k.of(m); ok {
			o := Owner{Name: k.owner, Evidence: k.key + "=" + v, Template: true}
			// Who marks and does not own the strategy by its fields leaves it.
			o.Strategy = len(m.ManagedFields) == 0
			add(o)
		}
	}
	slices.SortFunc(out, func(a, b Owner) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func byPerson(manager string) bool {
	return slices.ContainsFunc(people, func(p string) bool {
		return manager == p || strings.HasSuffix(p, "-") && strings.HasPrefix(manager, p)
	})
}

type ownerMark struct {
	owner, key, value string
	label             bool
}

var marks = []ownerMark{
	{owner: "argocd", key: "argocd.argoproj.io/tracking-id"},
	{owner: "argocd", key: "argocd.argoproj.io/instance", label: true},
	{owner: "helm", key: "meta.helm.sh/release-name"},
	{owner: "helm", key: "app.kubernetes.io/managed-by", value: "Helm", label: true},
	{owner: "flux-kustomize", key: "kustomize.toolkit.fluxcd.io/name", label: true},
	{owner: "flux-helm", key: "helm.toolkit.fluxcd.io/name", label: true},
	{owner: "addon-manager", key: "addonmanager.kubernetes.io/mode", value: "Reconcile", label: true},
}

// OwnerNames are the owners that a mark tells of, sorted. Any field manager may
// be one, too.
func OwnerNames() []string {
	var out []string
	for _, m := range marks {
		out = append(out, m.owner)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (k ownerMark) of(m *metav1.ObjectMeta) (string, bool) {
	from := m.Annotations
	if k.label {
		from = m.Labels
	}
	v, ok := from[k.key]
	return v, ok && (k.value == "" || v == k.value)
}

// AppliedStrategy reports whether the manifest that kubectl apply last sent
// sets updateStrategy.type, and to what: the next apply of it would take a
// strategy that was armed back, in the same write that brings the change.
func AppliedStrategy(m *metav1.ObjectMeta) (string, bool) {
	var d struct {
		Spec struct {
			UpdateStrategy struct {
				Type string `json:"type"`
			} `json:"updateStrategy"`
		} `json:"spec"`
	}
	raw := m.Annotations["kubectl.kubernetes.io/last-applied-configuration"]
	if raw == "" || json.Unmarshal([]byte(raw), &d) != nil {
		return "", false
	}
	return d.Spec.UpdateStrategy.Type, d.Spec.UpdateStrategy.Type != ""
}

// owner refuses a run that would change what somebody else sets again.
func (pl *planner) owner(p *Policy) Check {
	c := Check{Name: "owner", Result: CheckOK, Detail: "nobody but people owns template or strategy"}
	changes := pl.out.Change || p.OnFailure == FailUndo || p.OnFailure == FailHold
	for _, o := range pl.out.Owners {
		template := changes && o.Template
		touched := template || pl.out.Arms && o.Strategy
		if touched && !slices.Contains(p.AllowOwner, o.Name) && (template || !o.Maybe || !pl.defaultStrategy()) {
			return refusedBy(o, template)
		}
		c = ownedBy(c, o, touched, slices.Contains(p.AllowOwner, o.Name))
	}
	if c.Result == CheckOK {
		return pl.applied(c)
	}
	return c
}

// ownedBy adds an owner that keeps no run from starting.
func ownedBy(c Check, o Owner, touched, accepted bool) Check {
	switch {
	case touched && accepted:
		c.Result, c.Detail = CheckWarn, o.Name+" owns what the run changes, and that is accepted"
	case c.Result != CheckOK:
	case touched:
		c.Result = CheckWarn
		c.Detail = o.Name + " may set updateStrategy: if its manifest does, no upgrade by it during the run"
	default:
		c.Detail = o.Name + " owns parts of it; the run changes none of them"
	}
	return c
}

func refusedBy(o Owner, template bool) Check {
	field, fix := "updateStrategy", "set updateStrategy.type OnDelete in the manifest, then the run need not change it"
	if template {
		field, fix = "the template", "bring the change through "+o.Name+", and start without one"
	}
	return Check{Name: "owner", Result: CheckRefuse, Detail: fmt.Sprintf("%s (%s) owns %s and would set it back", o.Name, o.Evidence, field),
		Fix: fix + "; or insist: --allow-owner " + o.Name}
}

// defaultStrategy reports whether the strategy is what the server fills in
// (SetDefaults_DaemonSet, pkg/apis/apps/v1/defaults.go, v1.37.2).
func (pl *planner) defaultStrategy() bool {
	u := &pl.ds.Spec.UpdateStrategy
	r := u.RollingUpdate
	return string(u.Type) != onDelete && r != nil &&
		(r.MaxUnavailable == nil || r.MaxUnavailable.String() == "1") && (r.MaxSurge == nil || r.MaxSurge.String() == "0")
}

// applied warns of a manifest that would take the strategy back.
func (pl *planner) applied(c Check) Check {
	if t, ok := AppliedStrategy(&pl.ds.ObjectMeta); ok && pl.out.Arms && t != onDelete {
		c.Result = CheckWarn
		c.Detail = "kubectl apply of the last manifest sets " + t + " again: do not apply it during the run"
	}
	return c
}

// owns reports whether a manager owns the field at a path, or something below
// it, by FieldsV1.
func owns(e *metav1.ManagedFieldsEntry, path ...string) bool {
	if e.FieldsV1 == nil || e.Subresource != "" {
		return false
	}
	raw := json.RawMessage(e.FieldsV1.GetRawBytes())
	for _, p := range path {
		var at map[string]json.RawMessage
		if json.Unmarshal(raw, &at) != nil {
			return false
		}
		next, ok := at[p]
		if !ok {
			return false
		}
		raw = next
	}
	return true
}
