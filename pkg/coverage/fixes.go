package coverage

import (
	"fmt"
	"strings"
)

// fixes says what changes the verdict for the better, safe to paste.
func (r *Result) fixes(d *DaemonSetResult, v *Verdict) []string {
	e, ds, o := &v.Detail.Evidence, d.DaemonSet, &r.Options
	node := r.node(v).Name
	switch v.Reason {
	case TaintTransient, TaintStructural, LatentUnrecreatable, DeletionPending, TaintGateDependent:
		return taintFixes(v.Reason, e)
	case SelectorMismatch:
		return r.selectorFixes(e, node)
	case CreateForbiddenPSA:
		if strings.Contains(eventText(e), "security context constraint") {
			return []string{o.command("oc", "adm", "policy", "add-scc-to-user", "privileged", "-z", serviceAccount(d), "-n", ds.Namespace)}
		}
		return []string{o.command("kubectl", "label", "namespace", ds.Namespace, "pod-security.kubernetes.io/enforce=privileged", "--overwrite")}
	case SchedInsufficient, SchedNoVictims, SchedTooManyPods:
		return insufficientFixes(d, e)
	case SchedHostPort:
		if e.Room != nil && len(e.Room.HostPorts) > 0 {
			return []string{fmt.Sprintf("move %s off the node, or change one of the ports", e.Room.HostPorts[0].Pod)}
		}
	case ArchMismatch:
		return []string{fmt.Sprintf("publish the image for %s, or select nodes by kubernetes.io/arch", arch(r.node(v)))}
	case CrashLoop:
		if e.Container != nil && e.Container.LastReason == "OOMKilled" {
			return []string{"raise the memory limit of container " + e.Container.Name}
		}
	case NodeLost:
		return []string{"recover the node; if it is gone for good: " + o.command("kubectl", "delete", "node", node)}
	case Evicted:
		if e.Condition != nil {
			return []string{fmt.Sprintf("free the node of its %s; priorityClassName: system-node-critical spares the pod", e.Condition.Type)}
		}
	case TerminatingStuck:
		if len(e.Finalizers) > 0 {
			return []string{"find the controller that should remove finalizer " + strings.Join(e.Finalizers, ", ")}
		}
	case OutdatedReason:
		if string(ds.Spec.UpdateStrategy.Type) == "OnDelete" {
			return []string{o.command("kubectl", "ds-rollout", "start", ds.Name, "-n", ds.Namespace) + ", or delete the pods one by one"}
		}
	}
	if row, ok := rowOf[v.Reason]; ok && v.Reason != Current {
		return []string{row.Remedy}
	}
	return nil
}

// looks are commands that only read.
func (r *Result) looks(d *DaemonSetResult, v *Verdict) []string {
	ds, o, p := d.DaemonSet, &r.Options, r.pod(v)
	e := &v.Detail.Evidence
	switch v.Reason {
	case CrashLoop, InitFailing, RunError, Failed:
		if p != nil && e.Container != nil && e.Container.Name != "" {
			return []string{o.command("kubectl", "logs", "-n", ds.Namespace, p.Name, "-c", e.Container.Name, "--previous")}
		}
	case ProbeFailing:
		if p != nil && e.Container != nil {
			return []string{o.command("kubectl", "logs", "-n", ds.Namespace, p.Name, "-c", e.Container.Name)}
		}
	case OutdatedReason:
		return []string{o.command("kubectl", "ds-rollout", "status", "-n", ds.Namespace, ds.Name)}
	case ImagePull, ArchMismatch, ConfigError, CreateError, MountFailed, AttachFailed, SandboxFailed, ReadinessGate, SchedOther, Starting, RejectedByKubelet, Evicted:
		if p != nil {
			return []string{o.command("kubectl", "describe", "pod", "-n", ds.Namespace, p.Name)}
		}
	case NodeLost, NodeNotReady, NodeNotReadyCNI:
		return []string{o.command("kubectl", "describe", "node", r.node(v).Name)}
	case CreateQuota, CreateQuotaScope:
		return []string{o.command("kubectl", "describe", "quota", "-n", ds.Namespace)}
	case CreateStale:
		return []string{o.command("kubectl", "get", "lease", "-n", "kube-system", "kube-controller-manager")}
	case TaintTransient, TaintStructural, SelectorMismatch, SchedInsufficient, SchedNoVictims, SchedNeverFits, SchedTooManyPods, SchedHostPort:
		return []string{o.command("kubectl", "ds-coverage", "explain", "-n", ds.Namespace, ds.Name, r.node(v).Name)}
	}
	return nil
}

func taintFixes(r Reason, e *Evidence) []string {
	var tolerations []string
	for _, t := range e.Taints {
		tolerations = append(tolerations, "{key: "+t.Key+", operator: Exists}")
	}
	if len(tolerations) == 0 {
		return []string{rowOf[r].Remedy}
	}
	add := "add " + strings.Join(tolerations, ", ") + " to spec.template.spec.tolerations"
	if r == LatentUnrecreatable {
		add += ", or accept that the node goes without once the pod is deleted"
	}
	return []string{add}
}

func (r *Result) selectorFixes(e *Evidence, node string) []string {
	if len(e.Requirements) != 1 {
		return []string{rowOf[SelectorMismatch].Remedy}
	}
	q := e.Requirements[0]
	if strings.Contains(q.Hint, "deprecated") {
		return []string{"correct the selector in the template: " + q.Hint}
	}
	if strings.Count(q.Requirement, "=") == 1 && !strings.Contains(q.Requirement, " ") {
		return []string{"correct the selector, or if it should run there: " + r.Options.command("kubectl", "label", "node", node, q.Requirement, "--overwrite")}
	}
	return []string{rowOf[SelectorMismatch].Remedy}
}

func insufficientFixes(d *DaemonSetResult, e *Evidence) []string {
	const critical = "set priorityClassName: system-node-critical in the template"
	if e.Room == nil || e.Room.NotExamined {
		return []string{critical + ", or request less"}
	}
	var less []string
	for _, x := range e.Room.Resources {
		if x.Short && x.Name != "pods" && x.Free > 0 {
			less = append(less, fmt.Sprintf("%s %s", x.Name, quantity(x.Name, x.Free)))
		}
	}
	switch class := d.DaemonSet.Spec.Template.Spec.PriorityClassName; {
	case strings.HasPrefix(class, "system-") && len(less) == 0:
		return []string{"move pods off the node: nothing of lower priority is there to preempt"}
	case strings.HasPrefix(class, "system-"):
		return []string{"request at most " + strings.Join(less, ", ")}
	case len(less) == 0:
		return []string{critical}
	default:
		return []string{critical + ", or request at most " + strings.Join(less, ", ")}
	}
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
