package rollout

import (
	"slices"
	"strings"
	"testing"
)

func TestLabelsThatNoNodeHasAreRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		spread []string
		order  []string
		want   string
	}{
		{"a label of some node", []string{"pool", "zone", "arch"}, []string{"-label=pool", "name"}, ""},
		{"a label to spread by", []string{"zone", "poool"}, nil, `canarySpread: no node has the label "poool"`},
		{"a label to order by", nil, []string{"zone", "-label=poool"}, `order: no node has the label "poool"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := planned(3)
			w.n(1).Labels["pool"] = ""
			w.pol.CanarySpread, w.pol.Order = c.spread, c.order
			_, err := MakePlan(w.view(), w.pol, PlanInput{Now: t0})
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// After an update that was left half way most pods may run the template before
// the one that is there.
func TestAWayBackThatIsFartherIsTold(t *testing.T) {
	next := revisionTemplate(3)
	check := func(w *world, in PlanInput) Check {
		p := w.plan(t, in)
		i := slices.IndexFunc(p.Checks, func(c Check) bool { return c.Name == "undo" })
		if i < 0 {
			return Check{}
		}
		return p.Checks[i]
	}
	w := planned(3) // all of revision 1, and the template is 2
	if got := check(w, PlanInput{Template: &next}); got.Result != CheckWarn || !strings.Contains(got.Detail, "back to revision 1, which most pods run, not to 2") {
		t.Errorf("got %+v", got)
	}
	if got := check(w, PlanInput{}); got.Name != "" {
		t.Errorf("without a change: %+v", got)
	}
	for i := range 3 {
		w.p(i).Labels[hashLabel] = "h2"
	}
	if got := check(w, PlanInput{Template: &next}); got.Name != "" {
		t.Errorf("where all pods run the template: %+v", got)
	}
}
