package coverage

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// whyNotReady says what keeps a pod that is there from being ready: the node,
// then its containers, then the event that tells.
func (x *explainer) whyNotReady() {
	e := x.evidence()
	if c := e.Condition; c != nil {
		x.rule("node", x.nodeText(c), fail, true)
	}
	if x.v.State != Unready {
		return
	}
	for _, c := range x.unreadyContainers() {
		x.rule("container", containerText(&c), fail, true)
	}
	p := x.r.pod(x.v)
	if e.Event != nil && p != nil {
		x.more("event", x.r.eventText(e.Event), "", false)
	}
}

// nodeText is a condition of the node under its own name.
func (x *explainer) nodeText(c *ConditionEvidence) string {
	text := x.r.conditionText(c)
	if c.Type != string(corev1.NodeReady) && c.Type != "" {
		text = c.Type + strings.TrimPrefix(text, string(corev1.NodeReady))
	}
	return text
}

// unreadyContainers are all that are not ready, of the init containers the
// first: those behind it wait for it. A pod that has ended, or of which only
// the compact record is there, has what the verdict kept of it.
func (x *explainer) unreadyContainers() []ContainerEvidence {
	p, kept := x.r.pod(x.v), x.evidence().Container
	var out []ContainerEvidence
	if p != nil && p.Full != nil && !p.Terminal() && p.Node != "" {
		if c := initTrouble(p.Full); c != nil {
			out = append(out, *c)
		} else {
			for i := range p.Full.Status.ContainerStatuses {
				if s := &p.Full.Status.ContainerStatuses[i]; !s.Ready {
					out = append(out, *containerEvidence(s))
				}
			}
		}
	}
	if kept == nil {
		return out
	}
	at := slices.IndexFunc(out, func(c ContainerEvidence) bool { return c.Name == kept.Name && c.Init == kept.Init })
	if at < 0 {
		return append([]ContainerEvidence{*kept}, out...)
	}
	out[at] = *kept // it also knows the probe
	return out
}

func containerText(c *ContainerEvidence) string {
	text := strings.TrimPrefix(containerMessage(c), "container ")
	if strings.HasSuffix(text, ": ") { // nothing is known of it but its name
		text += "not ready"
	}
	return orNone(text)
}
