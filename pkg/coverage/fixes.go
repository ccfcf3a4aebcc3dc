package coverage

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/eligibility"
)

// fixes says what changes the verdict for the better, safe to paste: what the
// evidence allows to say, else the remedy of the reason.
func (r *Result) fixes(d *DaemonSetResult, v *Verdict) []string {
	if v.Reason == UnknownReason {
		if remedy := r.unreadRemedy(v.Detail.Evidence.Unread); remedy != "" {
			return []string{remedy}
		}
	}
	for _, of := range []func(*DaemonSetResult, *Verdict) []string{
		r.ruleFixes, r.creationFixes, r.schedulingFixes, r.containerFixes, r.nodeFixes,
	} {
		if out := of(d, v); len(out) > 0 {
			return out
		}
	}
	if row, ok := rowOf[v.Reason]; ok && v.Reason != Current {
		return []string{asFix(row.Remedy)}
	}
	return nil
}

// asFix makes a line of a sentence of the registry: lines begin lower case, and
// nothing stands behind a command that is pasted.
func asFix(sentence string) string {
	first := strings.ToLower(sentence[:1])
	return first + strings.TrimSuffix(sentence[1:], ".")
}

// ruleFixes are for nodes that the rules of eligibility, or the template, leave
// out.
func (r *Result) ruleFixes(d *DaemonSetResult, v *Verdict) []string {
	switch v.Reason {
	case TaintTransient, TaintStructural, LatentUnrecreatable, DeletionPending, TaintGateDependent:
		return taintFixes(v.Reason, &v.Detail.Evidence)
	case SelectorMismatch:
		return r.selectorFixes(&v.Detail.Evidence, r.node(v).Name)
	case OutdatedReason:
		return r.updateFixes(d)
	default:
		return nil
	}
}

// creationFixes are for pods that the controller cannot create.
func (r *Result) creationFixes(d *DaemonSetResult, v *Verdict) []string {
	switch v.Reason {
	case CreateForbiddenPSA:
		return r.securityFixes(d, v)
	case CreateMissingRef:
		return r.missingRefFixes(d, v)
	case CreateStale:
		return r.staleFixes(d, v)
	default:
		return nil
	}
}

// staleFixes are for a pod of which nothing says why it is not there. A
// controller that has made pods since it was refused is alive.
func (r *Result) staleFixes(d *DaemonSetResult, v *Verdict) []string {
	if why := idleReason(v); why != "" {
		return []string{asFix(rowOf[why].Remedy)}
	}
	e := v.Detail.Evidence.Event
	if e == nil {
		return nil
	}
	before := Verdict{Node: v.Node, Pod: v.Pod, State: v.State, Reason: classifyCreate(e.Message), Detail: v.Detail}
	fixes := slices.Clone(r.fixes(d, &before))
	fixes[0] = "wait for the next attempt; if that is refused again: " + fixes[0]
	return fixes
}

// missingRefFixes names what is missing as the template does: the event quotes
// it, and is untrusted text.
func (r *Result) missingRefFixes(d *DaemonSetResult, v *Verdict) []string {
	spec := &d.DaemonSet.Spec.Template.Spec
	switch text := eventText(&v.Detail.Evidence); {
	case strings.Contains(text, "service account"):
		return []string{"correct serviceAccountName in the template, or: " +
			r.Options.command("kubectl", "create", "serviceaccount", serviceAccount(d), "-n", d.DaemonSet.Namespace)}
	case strings.Contains(text, "PriorityClass") && spec.PriorityClassName != "":
		return []string{"create PriorityClass " + spec.PriorityClassName + ", or correct priorityClassName in the template"}
	case strings.Contains(text, "RuntimeClass") && spec.RuntimeClassName != nil:
		return []string{"create RuntimeClass " + *spec.RuntimeClassName + ", or correct runtimeClassName in the template"}
	}
	return nil
}

func (r *Result) securityFixes(d *DaemonSetResult, v *Verdict) []string {
	namespace, account := d.DaemonSet.Namespace, serviceAccount(d)
	switch constraint := strings.Contains(eventText(&v.Detail.Evidence), "security context constraint"); {
	case !constraint:
		return []string{r.Options.command("kubectl", "label", "namespace", namespace, "pod-security.kubernetes.io/enforce=privileged", "--overwrite")}
	case account == "default":
		return []string{"give the template a serviceAccountName of its own, and allow that account the constraint that the pod needs"}
	default:
		return []string{r.Options.command("oc", "adm", "policy", "add-scc-to-user", "privileged", "-z", account, "-n", namespace)}
	}
}

// containerFixes are for pods whose containers do not run well.
func (r *Result) containerFixes(_ *DaemonSetResult, v *Verdict) []string {
	c := v.Detail.Evidence.Container
	if c == nil {
		c = &ContainerEvidence{}
	}
	switch v.Reason {
	case ArchMismatch:
		return []string{fmt.Sprintf("publish the image for %s, or select nodes by kubernetes.io/arch", arch(r.node(v)))}
	case CrashLoop, InitFailing, Failed:
		if c.Name != "" {
			return endFixes(v.Reason, c)
		}
	case ProbeFailing:
		if c.Probe != "" {
			return []string{fmt.Sprintf("mend what the %s probe of %s asks, or the probe", c.Probe, c.label())}
		}
	case ImagePull:
		if c.Image != "" {
			return []string{"correct image " + c.Image + " or the pull secret; if other nodes pull it, look at this node's way to the registry"}
		}
	default: // not about a container
	}
	return nil
}

// nodeFixes are for pods that a node or its kubelet refuses, evicts or loses.
func (r *Result) nodeFixes(d *DaemonSetResult, v *Verdict) []string {
	e, node := &v.Detail.Evidence, r.node(v).Name
	switch v.Reason {
	case RejectedByKubelet:
		return rejectedFixes(d.DaemonSet, e)
	case NodeLost:
		return []string{"recover the node; if it is gone for good: " + r.Options.command("kubectl", "delete", "node", node)}
	case Evicted:
		return evictedFixes(e)
	case TerminatingStuck:
		if len(e.Finalizers) > 0 {
			return []string{"find the controller that should remove finalizer " + strings.Join(e.Finalizers, ", ")}
		}
		// A forced delete is no fix to paste: two pods may then run on the node.
		return []string{"find why the kubelet of " + quote(node) + " does not end it: its runtime hangs, or the node does"}
	default:
		return nil
	}
}

func evictedFixes(e *Evidence) []string {
	if e.Condition != nil {
		return []string{fmt.Sprintf("free the node of its %s; priorityClassName: system-node-critical spares the pod", e.Condition.Type)}
	}
	if c := e.Container; c != nil && strings.Contains(c.Message, "exceeds the") {
		return []string{"raise the limit that the message names (ephemeral-storage, or sizeLimit of an emptyDir), or write less"}
	}
	return nil
}

func taintFixes(r Reason, e *Evidence) []string {
	var tolerations []string
	for _, t := range e.Taints {
		switch eligibility.Class(t.Class) {
		case eligibility.Broken:
			return []string{"mend the node: it has " + t.String()}
		case eligibility.Leaving:
			return []string{"nothing: the node is being removed (" + t.String() + ")"}
		default: // a toleration helps
		}
		tolerations = append(tolerations, "{key: "+t.Key+", operator: Exists, effect: "+t.Effect+"}")
	}
	if len(tolerations) == 0 {
		return []string{asFix(rowOf[r].Remedy)}
	}
	add := "add " + strings.Join(tolerations, ", ") + " to spec.template.spec.tolerations"
	if r == LatentUnrecreatable {
		add += ", or accept that the node goes without once the pod is deleted"
	}
	return []string{add}
}

func (r *Result) selectorFixes(e *Evidence, node string) []string {
	if len(e.Requirements) != 1 {
		return []string{asFix(rowOf[SelectorMismatch].Remedy)}
	}
	q := e.Requirements[0]
	if strings.Contains(q.Hint, "deprecated") {
		return []string{"correct the selector in the template: " + q.Hint}
	}
	// What a label says of the machine is not ours to change, and a field is no
	// label.
	key, _, _ := strings.Cut(q.Requirement, "=")
	if strings.Count(q.Requirement, "=") == 1 && !strings.Contains(q.Requirement, " ") && !placeLabel(key) && key != metav1.ObjectNameField {
		return []string{"correct the selector, or if it should run there: " + r.Options.command("kubectl", "label", "node", node, q.Requirement, "--overwrite")}
	}
	return []string{asFix(rowOf[SelectorMismatch].Remedy)}
}

// endFixes are for a container that ended.
func endFixes(reason Reason, c *ContainerEvidence) []string {
	switch {
	case c.LastReason == "OOMKilled":
		return []string{"raise the memory limit of " + c.label()}
	case c.ExitCode != nil:
		return []string{fmt.Sprintf("mend what ends %s with exit code %d", c.label(), *c.ExitCode)}
	case reason == CrashLoop:
		return []string{"mend what ends " + c.label() + ": its last log says what"}
	case reason == InitFailing:
		return []string{"mend what keeps " + c.label() + " from finishing"}
	}
	return []string{asFix(rowOf[reason].Remedy)}
}

// driftFixes says what to do about what admission did to the pods of a
// DaemonSet.
func driftFixes(d *appsv1.DaemonSet, drift []string) []string {
	var class string
	selects := func(text string) bool { return strings.HasPrefix(text, "nodeSelector ") }
	if name := d.Spec.Template.Spec.RuntimeClassName; name != nil && slices.ContainsFunc(drift, selects) { // its scheduling goes into the pod
		class = "see whether RuntimeClass " + *name + " adds it in its scheduling; else "
	}
	return []string{fmt.Sprintf("%sfind the admission plugin or webhook that did it and exempt namespace %s, or bring the template into line: %s",
		class, d.Namespace, strings.Join(drift, ", "))}
}

func rejectedFixes(d *appsv1.DaemonSet, e *Evidence) []string {
	reason := ""
	if e.Container != nil {
		reason = e.Container.Reason
	}
	switch {
	case len(e.Drift) > 0:
		return driftFixes(d, e.Drift)
	case strings.HasPrefix(reason, "OutOf"):
		return []string{"wait for the next pod: another one took the room first; if it goes on, request less or move pods off the node"}
	case reason == "NodeAffinity":
		return []string{"wait: the labels of the node changed after the pod was bound; if it goes on, compare the pod's node selector with them"}
	}
	return []string{asFix(rowOf[RejectedByKubelet].Remedy)}
}

// idleReason is why the controller does not even try to create a pod; empty
// where nothing of the DaemonSet says so.
func idleReason(v *Verdict) Reason {
	for _, r := range v.Detail.Contributing {
		if r == DSDeleting || r == SelectorAll || r == StatusLag {
			return r
		}
	}
	return ""
}

func serviceAccount(d *DaemonSetResult) string {
	if s := d.DaemonSet.Spec.Template.Spec.ServiceAccountName; s != "" {
		return s
	}
	return "default"
}

func eventText(e *Evidence) string {
	if e.Event == nil {
		return ""
	}
	return e.Event.Message
}
