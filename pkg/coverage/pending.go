package coverage

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/eligibility"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// noScheduler is after how many seconds without any word of a scheduler none
// is believed to look.
const noScheduler = 30

// pending judges a pod that is pinned to its node and not bound to it.
func (a *analysis) pending(v *Verdict, n *corev1.Node, p *snapshot.Pod, d *Detail) []Reason {
	d.Since = p.Created
	if p.Full == nil || p.Deleted != 0 {
		return nil
	}
	c := podCondition(p.Full, corev1.PodScheduled)
	if len(p.Full.Spec.SchedulingGates) > 0 || c != nil && c.Reason == corev1.PodReasonSchedulingGated {
		for _, g := range p.Full.Spec.SchedulingGates {
			d.Evidence.Drift = append(d.Evidence.Drift, "scheduling gate "+g.Name)
		}
		return []Reason{SchedGated}
	}
	if c == nil {
		return a.unheard(p, d)
	}
	w := parseScheduler(c.Message)
	if w.whole && p.Nominated == n.Name { // no preemption answers such a word
		return a.chosen(p, d)
	}
	d.Evidence.Scheduler = &SchedulerEvidence{Message: c.Message, Since: metaTime(snapshot.TimeOf(&c.LastTransitionTime))}
	return a.unscheduled(v, n, p, d, w)
}

func (a *analysis) unscheduled(v *Verdict, n *corev1.Node, p *snapshot.Pod, d *Detail, w schedulerWord) []Reason {
	d.Evidence.Scheduler.Reasons = w.reasons
	var found []Reason
	if drift := a.admissionDrift(p); len(drift) > 0 && driftExcludes(&p.Full.Spec, n, a.gate) {
		d.Evidence.Drift = drift
		found = append(found, SchedAdmissionDrift)
	}
	for _, text := range w.reasons {
		found = append(found, classifyScheduler(text))
	}
	failed := failedPlugin(d.Evidence.Scheduler.Message)
	if failed != "" {
		found = append(found, failed)
	}
	if failed != "" || unbound(w.reasons) {
		d.Evidence.Claims, _ = awaited(&p.Full.Spec)
	}
	a.judgeRoom(v, n, p, d, &found, w)
	if len(found) == 0 && !w.elsewhere && d.Evidence.Scheduler.Message != "" {
		found = append(found, SchedOther)
	}
	if len(found) == 0 && w.elsewhere {
		found = append(found, SchedOther)
	}
	return found
}

// judgeRoom sets our own arithmetic on the node beside the scheduler's word.
func (a *analysis) judgeRoom(v *Verdict, n *corev1.Node, p *snapshot.Pod, d *Detail, found *[]Reason, w schedulerWord) {
	if !slices.ContainsFunc(*found, func(r Reason) bool {
		return r == SchedInsufficient || r == SchedTooManyPods || r == SchedHostPort
	}) {
		return
	}
	if over := neverFits(n, p); len(over) > 0 {
		*found = append(*found, SchedNeverFits)
	}
	room := a.roomOn(v.Node, n, p)
	d.Evidence.Room = room
	noVictims := room.Preemption == preemptNoVictims || room.Preemption == preemptNever
	if room.Preemption == "" {
		noVictims = slices.ContainsFunc(w.preemption, func(s string) bool {
			return strings.HasPrefix(s, "No preemption victims found") || strings.Contains(s, "preemptionPolicy=Never")
		})
	}
	// A port is freed by its holder, not by priorities.
	short := slices.ContainsFunc(*found, func(r Reason) bool { return r == SchedInsufficient || r == SchedTooManyPods })
	if noVictims && short {
		*found = append(*found, SchedNoVictims)
	}
}

func podCondition(p *corev1.Pod, t corev1.PodConditionType) *corev1.PodCondition {
	for i := range p.Status.Conditions {
		if c := &p.Status.Conditions[i]; c.Type == t {
			return c
		}
	}
	return nil
}

// admissionDrift lists what a pod has that its template does not ask for. A pod
// of another revision has another template, and tells nothing about admission.
func (a *analysis) admissionDrift(p *snapshot.Pod) []string {
	if a.target.known() && !a.target.updated(p) {
		return nil
	}
	return admissionDrift(&a.d.Spec.Template.Spec, &p.Full.Spec)
}

// admissionDrift lists what a live pod has that its template does not ask for:
// node selector keys, and tolerations of the template that are gone.
func admissionDrift(template, pod *corev1.PodSpec) []string {
	var out []string
	for k, v := range pod.NodeSelector {
		if have, ok := template.NodeSelector[k]; !ok || have != v {
			out = append(out, "nodeSelector "+k+"="+v)
		}
	}
	want, _ := eligibility.Tolerations(template)
	for _, t := range want {
		if !slices.ContainsFunc(pod.Tolerations, func(have corev1.Toleration) bool { return have.MatchToleration(&t) }) {
			out = append(out, "toleration removed: "+tolerationText(t))
		}
	}
	if template.SchedulerName != "" && pod.SchedulerName != template.SchedulerName {
		out = append(out, "schedulerName "+pod.SchedulerName)
	}
	slices.Sort(out)
	return out
}

func tolerationText(t corev1.Toleration) string {
	key := t.Key
	if key == "" {
		key = "all taints"
	}
	if t.Effect == "" {
		return key
	}
	return fmt.Sprintf("%s:%s", key, t.Effect)
}

// driftExcludes reports whether the pod as admitted may not go to its node,
// though the controller, which looks at the template, thinks it may.
func driftExcludes(pod *corev1.PodSpec, n *corev1.Node, comparison bool) bool {
	for k, v := range pod.NodeSelector {
		if have, ok := n.Labels[k]; !ok || have != v {
			return true
		}
	}
	for i := range n.Spec.Taints {
		t := &n.Spec.Taints[i]
		if t.Effect != corev1.TaintEffectNoSchedule && t.Effect != corev1.TaintEffectNoExecute {
			continue
		}
		if !tolerated(pod.Tolerations, t, comparison) {
			return true
		}
	}
	return false
}
