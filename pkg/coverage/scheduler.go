package coverage

import (
	"regexp"
	"slices"
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
	// whole is set where a PreFilter plugin rejected all nodes at once.
	whole bool
}

// quotedName is a name in a reason: that of a claim may hold that of the pod.
var quotedName = regexp.MustCompile(`"[^"]*"`)

// bucket is a count of nodes and a reason: "35 node(s) didn't match ...".
var bucket = regexp.MustCompile(`(?:^|, )(\d+) `)

// otherNodes are the reasons of nodes that a pinned pod cannot go to, by the
// version of the scheduler that words them so.
var otherNodes = []string{
	"node(s) didn't satisfy plugin NodeAffinity",        // when all are filtered before
	"node is filtered out by the prefilter result",      // 1.27 to 1.29
	"node(s) didn't match Pod's node affinity/selector", // until 1.26
	"node(s) didn't match node selector",
	"node(s) didn't match Pod's node affinity",
}

// parseScheduler reduces a message of the condition PodScheduled to the target
// node. Such a message counts nodes by reason; a pod that is pinned to one node
// leaves all others in the bucket of NodeAffinity (docs: coverage b.9;
// framework.FitError.Error, kubernetes v1.37.2). Sentences follow each other:
// what the filters say, then what each plugin of PostFilter says, as in "no new
// claims to deallocate, preemption: ...".
func parseScheduler(message string) schedulerWord {
	var w schedulerWord
	head, rest, ok := strings.Cut(message, " nodes are available: ")
	if !ok || !strings.HasPrefix(head, "0/") {
		return w
	}
	w.parsed = true
	nodes, _ := strconv.Atoi(strings.TrimPrefix(head, "0/"))
	body, after, _ := strings.Cut(rest, ". ")
	w.reasons = targetReasons(body, nodes)
	w.whole = !counts(body)
	w.elsewhere = len(w.reasons) == 0
	_, preemption, ok := strings.Cut(after, "preemption: ")
	if !ok {
		return w
	}
	if _, counted, ok := strings.Cut(preemption, " nodes are available: "); ok {
		preemption = counted
	}
	for _, r := range targetReasons(preemption, nodes) {
		if r != "Preemption is not helpful for scheduling" {
			w.preemption = append(w.preemption, r)
		}
	}
	return w
}

// targetReasons drops the buckets of other nodes: those that say so, and those
// that count several nodes and not all, since which ones is not said. A sentence
// without counts is of a PreFilter plugin and holds for all nodes.
func targetReasons(body string, nodes int) []string {
	var out []string
	add := func(text string) {
		text = strings.Trim(text, ". ") // until 1.26 two full stops end it
		if text != "" && !isOtherNodes(text) {
			out = append(out, text)
		}
	}
	if !counts(body) {
		add(body)
		return out
	}
	marks := bucket.FindAllStringSubmatchIndex(body, -1)
	for i, m := range marks {
		end := len(body)
		if i+1 < len(marks) {
			end = marks[i+1][0]
		}
		if n, err := strconv.Atoi(body[m[2]:m[3]]); err == nil && (n == 1 || n == nodes) {
			add(body[m[1]:end])
		}
	}
	return out
}

// counts reports whether a sentence counts nodes by reason.
func counts(body string) bool {
	at := bucket.FindStringIndex(body)
	return at != nil && at[0] == 0
}

func isOtherNodes(text string) bool {
	// Since 1.30. Where several PreFilter plugins leave only some nodes, the
	// rest stands under all their names: [NodeAffinity VolumeBinding]. That no
	// node satisfies them at once is something else.
	if names, ok := strings.CutPrefix(text, "node(s) didn't satisfy plugin(s) ["); ok && strings.HasSuffix(names, "]") {
		return slices.Contains(strings.Fields(strings.TrimSuffix(names, "]")), "NodeAffinity")
	}
	return slices.Contains(otherNodes, text)
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
	{"VolumeBinding", SchedVolume},
	{"no available disk", SchedVolume},
	{"enough free storage", SchedVolume},
	{"pvc(s)", SchedVolume},
	{"CSI driver is not installed", SchedVolume},
	{"persistentvolumeclaim", SchedVolume},
	{"PersistentVolume", SchedVolume},
	{"required features", SchedFeature},
	{"declared features", SchedFeature},
	{"resourceclaim", SchedDRA},
	{"resource claim", SchedDRA},
	{"ResourceClaim", SchedDRA},
	{"DynamicResources", SchedDRA},
	{"device class", SchedDRA},
	{"allocating devices", SchedDRA},
	{"cannot allocate all claims", SchedDRA},
	{"allocation", SchedDRA},
	{"cannot fit resource", SchedDRA}, // of extended resources
	{"node-allocatable DRA requests", SchedDRA},
}

func classifyScheduler(text string) Reason {
	for _, t := range schedulerTexts {
		if strings.Contains(text, t.text) {
			return t.reason
		}
	}
	return SchedOther
}
