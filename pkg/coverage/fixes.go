package coverage

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"

	"github.com/kubectl-ds/kubectl-ds/pkg/eligibility"
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
			if serviceAccount(d) == "default" {
				return []string{"give the template a serviceAccountName of its own, and allow that account the constraint that the pod needs"}
			}
			return []string{o.command("oc", "adm", "policy", "add-scc-to-user", "privileged", "-z", serviceAccount(d), "-n", ds.Namespace)}
		}
		return []string{o.command("kubectl", "label", "namespace", ds.Namespace, "pod-security.kubernetes.io/enforce=privileged", "--overwrite")}
	case SchedInsufficient, SchedNoVictims, SchedTooManyPods:
		return insufficientFixes(d, e)
	case SchedHostPort:
		if e.Room != nil && len(e.Room.HostPorts) > 0 {
			if r.own(d, e.Room.HostPorts[0].Pod) {
				return []string{"set maxSurge to 0 and maxUnavailable to 1: the old pod " + e.Room.HostPorts[0].Pod + " holds the port until it is gone"}
			}
			return []string{fmt.Sprintf("move %s off the node, or change one of the ports", e.Room.HostPorts[0].Pod)}
		}
	case ArchMismatch:
		return []string{fmt.Sprintf("publish the image for %s, or select nodes by kubernetes.io/arch", arch(r.node(v)))}
	case CrashLoop, InitFailing, Failed:
		if c := e.Container; c != nil && c.Name != "" {
			return containerFixes(v.Reason, c)
		}
	case ProbeFailing:
		if c := e.Container; c != nil && c.Probe != "" {
			return []string{fmt.Sprintf("mend what the %s probe of %s asks, or the probe", c.Probe, c.label())}
		}
	case ImagePull:
		if c := e.Container; c != nil && c.Image != "" {
			return []string{"correct image " + c.Image + " or the pull secret; if other nodes pull it, look at this node's way to the registry"}
		}
	case RejectedByKubelet:
		return rejectedFixes(ds.Namespace, e)
	case SchedNoScheduler:
		return []string{"start scheduler " + r.schedulerName(v) + ", or correct spec.schedulerName in the template"}
	case SchedNeverFits:
		if e.Room != nil {
			var most []string
			for _, x := range e.Room.Resources {
				if x.Asks > x.Allocatable {
					most = append(most, x.Name+" "+quantity(x.Name, x.Allocatable))
				}
			}
			if len(most) > 0 {
				return []string{"request less than " + strings.Join(most, ", ") + ", or keep the DaemonSet off such nodes"}
			}
		}
	case NodeLost:
		return []string{"recover the node; if it is gone for good: " + o.command("kubectl", "delete", "node", node)}
	case Evicted:
		if e.Condition != nil {
			return []string{fmt.Sprintf("free the node of its %s; priorityClassName: system-node-critical spares the pod", e.Condition.Type)}
		}
		if c := e.Container; c != nil && strings.Contains(c.Message, "exceeds the") {
			return []string{"raise the limit that the message names (ephemeral-storage, or sizeLimit of an emptyDir), or write less"}
		}
	case SchedAdmissionDrift:
		return driftFixes(ds.Namespace, e.Drift)
	case SchedVolume:
		if e.Scheduler != nil && slices.ContainsFunc(e.Scheduler.Reasons, func(s string) bool { return strings.HasSuffix(s, "not found") }) {
			return []string{"create what the scheduler does not find, or correct its name in spec.template.spec.volumes"}
		}
	case TerminatingStuck:
		if len(e.Finalizers) > 0 {
			return []string{"find the controller that should remove finalizer " + strings.Join(e.Finalizers, ", ")}
		}
		// A forced delete is no fix to paste: two pods may then run on the node.
		return []string{"find why the kubelet of " + quote(node) + " does not end it: its runtime hangs, or the node does"}
	case CreateStale:
		if why := idleReason(v); why != "" {
			return []string{rowOf[why].Remedy}
		}
	case OutdatedReason:
		if string(ds.Spec.UpdateStrategy.Type) == "OnDelete" {
			return []string{"delete the pods one by one, each after the one before is ready again"}
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
	case CrashLoop, InitFailing, Failed:
		if p != nil && e.Container != nil && e.Container.Name != "" {
			return []string{o.command("kubectl", "logs", "-n", ds.Namespace, p.Name, "-c", e.Container.Name) + previous(v.Reason, e.Container)}
		}
	case ProbeFailing:
		if p != nil && e.Container != nil {
			return []string{o.command("kubectl", "logs", "-n", ds.Namespace, p.Name, "-c", e.Container.Name)}
		}
	case OutdatedReason:
		return []string{o.command("kubectl", "rollout", "history", "daemonset/"+ds.Name, "-n", ds.Namespace)}
	case ImagePull, ArchMismatch, ConfigError, CreateError, RunError, MountFailed, AttachFailed, SandboxFailed, ReadinessGate, SchedOther, Starting, RejectedByKubelet, Evicted:
		if p != nil {
			return []string{o.command("kubectl", "describe", "pod", "-n", ds.Namespace, p.Name)}
		}
	case NodeLost, NodeNotReady, NodeNotReadyCNI:
		return []string{o.command("kubectl", "describe", "node", r.node(v).Name)}
	case CreateQuota, CreateQuotaScope:
		return []string{o.command("kubectl", "describe", "quota", "-n", ds.Namespace)}
	case CreateStale:
		if why := idleReason(v); why == DSDeleting || why == SelectorAll {
			return []string{o.command("kubectl", "get", "daemonset", "-n", ds.Namespace, ds.Name, "-o", "yaml")}
		}
		return []string{o.command("kubectl", "get", "lease", "-n", "kube-system", "kube-controller-manager")}
	case TaintTransient, TaintStructural, SelectorMismatch, SchedInsufficient, SchedNoVictims, SchedNeverFits, SchedTooManyPods, SchedHostPort:
		return []string{o.command("kubectl", "ds-coverage", "explain", "-n", ds.Namespace, ds.Name, r.node(v).Name)}
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
		}
		tolerations = append(tolerations, "{key: "+t.Key+", operator: Exists, effect: "+t.Effect+"}")
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
	// What a label says of the machine is not ours to change, and a field is no
	// label.
	key, _, _ := strings.Cut(q.Requirement, "=")
	if strings.Count(q.Requirement, "=") == 1 && !strings.Contains(q.Requirement, " ") && !placeLabel(key) && key != metav1.ObjectNameField {
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
	if e.Room.Preemption == preemptPossible {
		text := "wait: the scheduler can preempt pods of lower priority"
		if len(less) > 0 {
			text += "; or request at most " + strings.Join(less, ", ")
		}
		return []string{text}
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

// own reports whether a pod, by its key, belongs to the DaemonSet.
func (r *Result) own(d *DaemonSetResult, pod string) bool {
	namespace, name, _ := strings.Cut(pod, "/")
	i, ok := slices.BinarySearchFunc(r.Snapshot.Pods, name, func(p snapshot.Pod, name string) int {
		return cmp.Or(strings.Compare(p.Namespace, namespace), strings.Compare(p.Name, name))
	})
	return ok && r.Snapshot.Pods[i].Owner != nil && r.Snapshot.Pods[i].Owner.UID == d.DaemonSet.UID
}

func containerFixes(reason Reason, c *ContainerEvidence) []string {
	switch {
	case c.LastReason == "OOMKilled":
		return []string{"raise the memory limit of " + c.label()}
	case c.ExitCode != nil:
		return []string{fmt.Sprintf("mend what ends %s with exit code %d", c.label(), *c.ExitCode)}
	case reason == InitFailing:
		return []string{"mend what keeps " + c.label() + " from finishing"}
	}
	return []string{rowOf[reason].Remedy}
}

// previous is the flag that asks for the log of the run before: a container
// that waits or runs again has one, one that ended for good has not.
func previous(reason Reason, c *ContainerEvidence) string {
	if reason != Failed && c.Restarts > 0 && (c.Reason == "" || waitReasons[c.Reason] != "") {
		return " --previous"
	}
	return ""
}

// driftFixes says what to do about what admission did to the pods of a
// namespace.
func driftFixes(namespace string, drift []string) []string {
	return []string{fmt.Sprintf("find the admission plugin or webhook that did it and exempt namespace %s, or bring the template into line: %s",
		namespace, strings.Join(drift, ", "))}
}

func rejectedFixes(namespace string, e *Evidence) []string {
	reason := ""
	if e.Container != nil {
		reason = e.Container.Reason
	}
	switch {
	case len(e.Drift) > 0:
		return driftFixes(namespace, e.Drift)
	case strings.HasPrefix(reason, "OutOf"):
		return []string{"wait for the next pod: another one took the room first; if it goes on, request less or set priorityClassName: system-node-critical"}
	case reason == "NodeAffinity":
		return []string{"wait: the labels of the node changed after the pod was bound; if it goes on, compare the pod's node selector with them"}
	}
	return []string{rowOf[RejectedByKubelet].Remedy}
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
