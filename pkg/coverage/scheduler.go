package coverage

import (
	"regexp"
	"strconv"
	"strings"
)

// schedulerWord is what the scheduler said about the one node that a
// DaemonSet's pod can go to.
type schedulerWord struct {
	reasons    []string // of the target node
	preemption []string // why no pod is preempted there
	parsed     bool     // the message has the known form
	// elsewhere is set where only other nodes are spoken of: the target is
	// not known to the scheduler, or the pod's own selector excludes it.
	elsewhere bool
}

// bucket is a count of nodes and a reason: "35 node(s) didn't match ...".
var bucket = regexp.MustCompile(`(?:^|, )(\d+) `)

// otherNodes are the reasons of nodes that a pinned pod cannot go to, by the
// version of the scheduler that words them so.
var otherNodes = []string{
	"node(s) didn't satisfy plugin(s) [NodeAffinity]",   // 1.30 and later
	"node(s) didn't satisfy plugin NodeAffinity",        // when all are filtered before
	"node is filtered out by the prefilter result",      // 1.27 to 1.29
	"node(s) didn't match Pod's node affinity/selector", // until 1.26
	"node(s) didn't match node selector",
	"node(s) didn't match Pod's node affinity",
}

// parseScheduler reduces a message of the condition PodScheduled to the target
// node. Such a message counts nodes by reason; a pod that is pinned to one node
// leaves all others in the bucket of NodeAffinity (docs: coverage b.9;
// framework.FitError.Error, kubernetes v1.37.2).
func parseScheduler(message string) schedulerWord {
	var w schedulerWord
	head, rest, ok := strings.Cut(message, " nodes are available: ")
	if !ok || !strings.HasPrefix(head, "0/") {
		return w
	}
	w.parsed = true
	body, preemption, _ := strings.Cut(rest, " preemption: ")
	w.reasons = targetReasons(strings.TrimSuffix(strings.TrimSpace(body), "."))
	w.elsewhere = len(w.reasons) == 0
	if _, after, ok := strings.Cut(preemption, " nodes are available: "); ok {
		for _, r := range targetReasons(strings.TrimSuffix(strings.TrimSpace(after), ".")) {
			if r != "Preemption is not helpful for scheduling" {
				w.preemption = append(w.preemption, r)
			}
		}
	}
	return w
}

func targetReasons(body string) []string {
	var out []string
	marks := bucket.FindAllStringSubmatchIndex(body, -1)
	for i, m := range marks {
		end := len(body)
		if i+1 < len(marks) {
			end = marks[i+1][0]
		}
		n, err := strconv.Atoi(body[m[2]:m[3]])
		text := strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(body[m[1]:end]), "."))
		if err != nil || n == 0 || isOtherNodes(text) {
			continue
		}
		out = append(out, text)
	}
	return out
}

func isOtherNodes(text string) bool {
	for _, o := range otherNodes {
		if text == o {
			return true
		}
	}
	return false
}

// schedulerTexts tell the reason by the words of the scheduler's plugins
// (pkg/scheduler/framework/plugins, v1.37.2, and older wordings).
var schedulerTexts = []struct {
	text   string
	reason Reason
}{
	{"Insufficient ", SchedInsufficient},
	{"Too many pods", SchedTooManyPods},
	{"didn't have free ports", SchedHostPort},
	{"untolerated taint", SchedTaint},
	{"had taint", SchedTaint},
	{"were unschedulable", SchedTaint},
	{"anti-affinity rules", SchedPodAffinity},
	{"pod affinity rules", SchedPodAffinity},
	{"topology spread constraints", SchedSpread},
	{"volume", SchedVolume},
	{"persistentvolumeclaim", SchedVolume},
	{"PersistentVolume", SchedVolume},
	{"required features", SchedFeature},
	{"declared features", SchedFeature},
	{"resourceclaim", SchedDRA},
	{"resource claim", SchedDRA},
	{"ResourceClaim", SchedDRA},
	{"cannot allocate all claims", SchedDRA},
	{"allocation", SchedDRA},
}

func classifyScheduler(text string) Reason {
	for _, t := range schedulerTexts {
		if strings.Contains(text, t.text) {
			return t.reason
		}
	}
	return SchedOther
}
