package coverage

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The registry promises: the state first, then the first reason in its order
// that the state allows. A reason that contributes must therefore not stand
// before the one that is given, with two exceptions that are inferences and not
// sightings.
func precedes(v *NodeVerdict) (Reason, bool) {
	for _, r := range v.Contributing {
		row, ok := Lookup(r)
		if !ok || !slices.Contains(row.States, v.State) || rank(r) >= rank(v.Reason) {
			continue
		}
		switch {
		case v.State == Missing && v.Evidence.Event != nil:
			// Of several events the newest speaks for the present.
		case r == ArchMismatch && (v.Evidence.Container == nil || !archMismatch(v.Evidence.Container)):
			// Blamed because of other nodes, not because of what this pod says.
		default:
			return r, true
		}
	}
	return "", false
}

func TestNoContributingReasonStandsBeforeTheReason(t *testing.T) {
	for _, c := range loadCases(t) {
		for i := range c.report.Items {
			for j := range c.report.Items[i].Nodes {
				v := &c.report.Items[i].Nodes[j]
				if r, bad := precedes(v); bad {
					t.Errorf("%s: %s is %s because of %s, and %s stands before it in the registry", c.name, v.Node, v.State, v.Reason, r)
				}
				if slices.Contains(v.Contributing, v.Reason) {
					t.Errorf("%s: %s: %s contributes to itself", c.name, v.Node, v.Reason)
				}
			}
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		l := randomWorld(rt).analyze().Report()
		for i := range l.Items {
			for j := range l.Items[i].Nodes {
				v := &l.Items[i].Nodes[j]
				if r, bad := precedes(v); bad {
					rt.Fatalf("%s is %s because of %s, and %s stands before it in the registry", v.Node, v.State, v.Reason, r)
				}
				slices.Sort(v.Contributing)
				if len(slices.Compact(slices.Clone(v.Contributing))) != len(v.Contributing) || slices.Contains(v.Contributing, v.Reason) {
					rt.Fatalf("%s: %s with %v: a reason is listed twice", v.Node, v.Reason, v.Contributing)
				}
			}
		}
	})
}

// A state that a row allows and nothing produces is a promise as well.
// SchedNoVictims only ever contributes: what is short stands before it.
func TestEveryStateOfARowIsProducedByACase(t *testing.T) {
	type pair struct {
		r Reason
		s State
	}
	produced := map[pair]bool{}
	for _, c := range loadCases(t) {
		for i := range c.report.Items {
			for _, v := range c.report.Items[i].Nodes {
				produced[pair{v.Reason, v.State}] = true
				if slices.Contains(v.Contributing, SchedNoVictims) {
					produced[pair{SchedNoVictims, v.State}] = true
				}
			}
		}
	}
	for _, row := range Registry() {
		for _, s := range row.States {
			if !produced[pair{row.Reason, s}] {
				t.Errorf("%s: no case has it as the reason of %s", row.Reason, s)
			}
		}
	}
}

// What a finding says must be one that the registry calls a finding.
func TestFindingsAreRegisteredAsFindings(t *testing.T) {
	for _, c := range loadCases(t) {
		for i := range c.report.Items {
			for _, f := range c.report.Items[i].Findings {
				if row, ok := Lookup(f.Reason); !ok || !row.Finding || row.Severity != f.Severity || f.Message == "" {
					t.Errorf("%s: finding %+v is not as the registry has it: %+v", c.name, f, row)
				}
			}
		}
	}
}
