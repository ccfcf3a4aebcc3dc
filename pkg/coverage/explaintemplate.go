package coverage

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/eligibility"
)

// templateCandidates are the single changes of the template that may let the
// node run the DaemonSet, narrow ones first.
func (x *explainer) templateCandidates() []candidate {
	out := x.tolerations()
	if !x.rules.NodeNameOK {
		out = append(out, removeNodeName())
	}
	for _, q := range x.rules.FailingSelector() {
		out = append(out, x.adjustSelector(q)...)
		out = append(out, removeSelector(q.Key))
	}
	if x.rules.AffinityOK {
		return out
	}
	for i, t := range x.rules.Terms {
		// A term is one change away where one requirement does not hold.
		if len(t.Failing()) != 1 {
			continue
		}
		at := slices.IndexFunc(t.Requirements, func(q eligibility.RequirementResult) bool { return !q.OK })
		q := t.Requirements[at]
		if q.Operator == corev1.NodeSelectorOpIn && q.Has && !q.Field && q.Err == "" {
			out = append(out, addValue(i, at, q))
		}
		if len(t.Requirements) > 1 {
			out = append(out, dropRequirement(i, at, q))
		}
	}
	return append(out, removeAffinity())
}

// templateTogether is all that the template needs, where one change is not
// enough: of the affinity only what the nearest term lacks.
func (x *explainer) templateTogether() []candidate {
	out := x.tolerations()
	if !x.rules.NodeNameOK {
		out = append(out, removeNodeName())
	}
	for _, q := range x.rules.FailingSelector() {
		out = append(out, removeSelector(q.Key))
	}
	if x.rules.AffinityOK {
		return out
	}
	near := x.rules.NearestTerm()
	if near < 0 || len(x.rules.Terms[near].Failing()) == len(x.rules.Terms[near].Requirements) {
		return append(out, removeAffinity()) // without requirements a term selects no node
	}
	t := x.rules.Terms[near]
	for at := len(t.Requirements) - 1; at >= 0; at-- { // from the end, so that the places stay
		if !t.Requirements[at].OK {
			out = append(out, dropRequirement(near, at, t.Requirements[at]))
		}
	}
	return out
}

// tolerations tolerate each key of an untolerated taint, whatever its value
// and effect.
func (x *explainer) tolerations() []candidate {
	var out []candidate
	seen := map[string]bool{}
	for _, t := range x.rules.Untolerated() {
		key := t.Taint.Key
		if key == "" || seen[key] { // an empty key would tolerate everything
			continue
		}
		seen[key] = true
		out = append(out, candidate{do: "tolerate " + key, template: func(s *corev1.PodSpec) {
			s.Tolerations = append(s.Tolerations, corev1.Toleration{Key: key, Operator: corev1.TolerationOpExists})
		}})
	}
	return out
}

func removeNodeName() candidate {
	return candidate{do: "remove nodeName", template: func(s *corev1.PodSpec) { s.NodeName = "" }}
}

func removeSelector(key string) candidate {
	return candidate{do: "remove nodeSelector " + key, template: func(s *corev1.PodSpec) { delete(s.NodeSelector, key) }}
}

// adjustSelector corrects a key or a value that was probably misspelt: only
// where no node loses the DaemonSet by it.
func (x *explainer) adjustSelector(q eligibility.RequirementResult) []candidate {
	if len(q.Values) != 1 {
		return nil
	}
	if q.Has {
		return []candidate{{
			do:       fmt.Sprintf("set nodeSelector %s=%s", q.Key, q.Value),
			template: func(s *corev1.PodSpec) { s.NodeSelector[q.Key] = q.Value },
			keep:     true,
		}}
	}
	want := q.Values[0]
	near := deprecatedLabels[q.Key]
	if near == "" {
		near, _ = nearKey(q.Key, x.n.Labels, func(v string) bool { return v == want })
	}
	if v, has := x.n.Labels[near]; near == "" || !has || v != want {
		return nil
	}
	return []candidate{{
		do: fmt.Sprintf("replace nodeSelector %s by %s=%s", q.Key, near, want),
		template: func(s *corev1.PodSpec) {
			delete(s.NodeSelector, q.Key)
			s.NodeSelector[near] = want
		},
		keep: true,
	}}
}

func removeAffinity() candidate {
	return candidate{do: "remove the required node affinity", broad: true, template: func(s *corev1.PodSpec) {
		s.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution = nil
	}}
}

// addValue lets a requirement also take what the node has.
func addValue(term, at int, q eligibility.RequirementResult) candidate {
	return candidate{
		do: fmt.Sprintf("add %s to node affinity %s", orEmpty(q.Value), placed(term, q)),
		template: func(s *corev1.PodSpec) {
			if es := termOf(s, term).MatchExpressions; at < len(es) {
				es[at].Values = append(es[at].Values, q.Value)
			}
		},
	}
}

// dropRequirement takes one requirement out of a term. Requirements are
// counted through: expressions, then fields.
func dropRequirement(term, at int, q eligibility.RequirementResult) candidate {
	return candidate{
		do: "drop from node affinity " + placed(term, q),
		template: func(s *corev1.PodSpec) {
			t := termOf(s, term)
			if n := len(t.MatchExpressions); at < n {
				t.MatchExpressions = slices.Delete(t.MatchExpressions, at, at+1)
			} else {
				t.MatchFields = slices.Delete(t.MatchFields, at-n, at-n+1)
			}
		},
	}
}

func placed(term int, q eligibility.RequirementResult) string {
	return fmt.Sprintf("%s (term %d)", q, term+1)
}

func termOf(s *corev1.PodSpec, i int) *corev1.NodeSelectorTerm {
	return &s.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms[i]
}
