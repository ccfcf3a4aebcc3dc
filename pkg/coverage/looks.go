package coverage

import "github.com/kubectl-ds/kubectl-ds/pkg/snapshot"

// explainCommand begins what is looked at where the rules of a pair tell more.
const explainCommand = "kubectl ds-coverage explain "

// looks are commands that only read.
func (r *Result) looks(d *DaemonSetResult, v *Verdict) []string {
	ds, o, p := d.DaemonSet, &r.Options, r.pod(v)
	e := &v.Detail.Evidence
	switch v.Reason {
	case CrashLoop, InitFailing, Failed:
		if e.Container != nil && e.Container.Name != "" {
			return r.logs(p, e.Container, previous(v.Reason, e.Container))
		}
	case ProbeFailing:
		if e.Container != nil {
			return r.logs(p, e.Container, "")
		}
	case OutdatedReason:
		return r.updateLooks(d)
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
		if e.Event != nil {
			return []string{o.command("kubectl", "describe", "daemonset", "-n", ds.Namespace, ds.Name)}
		}
		return []string{o.command("kubectl", "get", "lease", "-n", "kube-system", "kube-controller-manager")}
	case TaintTransient, TaintStructural, SelectorMismatch, SchedInsufficient, SchedNoVictims, SchedNeverFits, SchedTooManyPods, SchedHostPort:
		return []string{o.own("explain", "-n", ds.Namespace, ds.Name, r.node(v).Name)}
	default: // nothing shows more than the evidence, or a claim does
		return r.claimLooks(ds.Namespace, v)
	}
	return nil
}

// logs is the command that reads a container's log, with flags as they stand.
func (r *Result) logs(p *snapshot.Pod, c *ContainerEvidence, flags string) []string {
	if p == nil {
		return nil
	}
	return []string{r.Options.command("kubectl", "logs", "-n", p.Namespace, p.Name, "-c", c.Name) + flags}
}

// previous is the flag that asks for the log of the run before: a container
// that waits or runs again has one, one that ended for good has not.
func previous(reason Reason, c *ContainerEvidence) string {
	if reason != Failed && c.Restarts > 0 && (c.Reason == "" || waitReasons[c.Reason] != "") {
		return " --previous"
	}
	return ""
}
