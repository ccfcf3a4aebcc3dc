package coverage

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// unheard judges a pod of which no scheduler has said anything for a while. It
// may be known to one all the same: a scheduler that has chosen the node names it
// in status.nominatedNodeName alone, and says no more until volumes and devices
// are ready (bindingCycle, pkg/scheduler, v1.37.2); and one passes over a pod in
// silence until its resource claims are made (PreEnqueue of
// plugins/dynamicresources, v1.37.2).
func (a *analysis) unheard(p *snapshot.Pod, d *Detail) []Reason {
	if a.opts.Now.Unix() <= int64(p.Created)+noScheduler {
		return nil
	}
	if p.Nominated == "" {
		if d.Evidence.Claims = unmade(p.Full); len(d.Evidence.Claims) == 0 {
			return []Reason{SchedNoScheduler}
		}
		if e := newest(a.ix.podEvents(p), "FailedResourceClaimCreation"); e != nil {
			d.Evidence.Event = eventEvidence(e)
		}
		return []Reason{SchedDRA}
	}
	return a.chosen(p, d)
}

// chosen judges a pod for which the scheduler has chosen the node since it spoke
// of it last, if it did: a failure would have taken the nomination back.
func (a *analysis) chosen(p *snapshot.Pod, d *Detail) []Reason {
	if a.opts.Now.Unix() <= int64(p.Created)+noScheduler {
		return nil
	}
	var volumes bool
	switch d.Evidence.Claims, volumes = awaited(&p.Full.Spec); {
	case volumes:
		return []Reason{SchedVolume}
	case len(d.Evidence.Claims) > 0:
		return []Reason{SchedDRA}
	}
	return nil
}

// awaited is what a pod needs before it can be bound to the node that was
// chosen, and whether volumes are among it.
func awaited(spec *corev1.PodSpec) (claims []string, volumes bool) {
	for i := range spec.Volumes {
		switch v := &spec.Volumes[i]; {
		case v.PersistentVolumeClaim != nil:
			claims = append(claims, "PersistentVolumeClaim "+v.PersistentVolumeClaim.ClaimName)
		case v.Ephemeral != nil: // its claim has another name on each node
			claims = append(claims, "ephemeral volume "+v.Name)
		}
	}
	volumes = len(claims) > 0
	for i := range spec.ResourceClaims {
		claims = append(claims, resourceClaim(&spec.ResourceClaims[i]))
	}
	return claims, volumes
}

// failedPlugin gives the reason of a message that speaks of the chosen node alone:
// the scheduler has waited there for a plugin as long as it may, and begins again.
func failedPlugin(message string) Reason {
	switch {
	case !strings.HasPrefix(message, "running "):
		return ""
	case strings.Contains(message, ` plugin "VolumeBinding": `):
		return SchedVolume
	case strings.Contains(message, ` plugin "DynamicResources": `):
		return SchedDRA
	default:
		return ""
	}
}

// unbound reports whether claims of volumes have to be bound first.
func unbound(reasons []string) bool {
	return slices.ContainsFunc(reasons, func(text string) bool {
		return strings.Contains(text, "unbound immediate PersistentVolumeClaims") || strings.Contains(text, "waiting for ephemeral volume controller")
	})
}

// unmade are the resource claims of a pod that are not known to be there.
func unmade(p *corev1.Pod) []string {
	var out []string
	for i := range p.Spec.ResourceClaims {
		c := &p.Spec.ResourceClaims[i]
		made := slices.ContainsFunc(p.Status.ResourceClaimStatuses, func(s corev1.PodResourceClaimStatus) bool { return s.Name == c.Name })
		if !made {
			out = append(out, resourceClaim(c))
		}
	}
	return out
}

func resourceClaim(c *corev1.PodResourceClaim) string {
	switch {
	case c.ResourceClaimName != nil:
		return "ResourceClaim " + *c.ResourceClaimName
	case c.ResourceClaimTemplateName != nil:
		return "ResourceClaimTemplate " + *c.ResourceClaimTemplateName
	default:
		return c.Name
	}
}

// unheardMessage says what a scheduler waits for that has said nothing; empty
// where it has spoken.
func (r *Result) unheardMessage(v *Verdict) string {
	e := &v.Detail.Evidence
	const chosen = "the scheduler has chosen the node, and "
	p := r.pod(v)
	switch {
	case v.Reason == Starting && p != nil && p.Node == "":
		if p.Nominated != "" {
			return chosen + "has not bound the pod yet"
		}
		return "waits for the scheduler"
	case len(e.Claims) == 0, e.Event != nil, e.Scheduler != nil:
		return ""
	case p != nil && p.Nominated != "":
		return chosen + "waits for " + few(e.Claims)
	default:
		return "no word from scheduler " + r.schedulerName(v) + ", which passes over a pod until its resource claims are made: " + few(e.Claims)
	}
}

// unheardFixes are for a pod whose scheduler waits in silence.
func (r *Result) unheardFixes(v *Verdict) []string {
	e, p := &v.Detail.Evidence, r.pod(v)
	switch {
	case len(e.Claims) == 0:
		return nil
	case v.Reason == SchedVolume:
		return []string{"find why the claim is not bound: its StorageClass, or the driver that this names"}
	case e.Scheduler != nil, p != nil && p.Nominated != "":
		return nil
	default:
		return []string{"create " + few(e.Claims) + " where it is missing, or correct spec.template.spec.resourceClaims; if nothing is missing, start scheduler " + r.schedulerName(v)}
	}
}

// claimLooks show the claims that a pod waits for.
func (r *Result) claimLooks(namespace string, v *Verdict) []string {
	if len(v.Detail.Evidence.Claims) == 0 {
		return nil
	}
	switch v.Reason {
	case SchedVolume:
		return []string{r.Options.command("kubectl", "describe", "persistentvolumeclaims", "-n", namespace)}
	case SchedDRA:
		return []string{r.Options.command("kubectl", "get", "resourceclaims,resourceclaimtemplates", "-n", namespace)}
	default:
		return nil
	}
}
