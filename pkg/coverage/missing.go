package coverage

import (
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// creation is why the pods of a DaemonSet cannot be created. The controller
// stops a batch at the first error, and its event names no node: one cause
// stands for all nodes that lack a pod.
type creation struct {
	reason Reason
	also   []Reason
	event  *EventEvidence // of CreateStale one that a pod has been made since
	unread string
}

// createFresh is how long an event FailedCreate speaks for the present: the
// controller's longest backoff between two attempts is 1000 s.
const createFresh = 20 * time.Minute

// eventRefill is how long the event filter of a client may be silent about an
// object while the same still happens: a burst of 25 events, then one in 300 s
// for each source, object and type (defaultSpamBurst, defaultSpamQPS and
// getSpamKey of client-go tools/record/events_cache.go, v0.37.2). While pods are
// replaced the burst is soon spent.
const eventRefill = 5 * time.Minute

// missing judges a node that should run the DaemonSet and has no pod.
func (a *analysis) missing(v *Verdict, n *corev1.Node) {
	if a.creation == nil {
		a.creation = a.whyNotCreated()
	}
	c := a.creation
	v.State, v.Reason = Missing, c.reason
	d := detail(v)
	d.Evidence.Event, d.Evidence.Unread = c.event, c.unread
	d.Contributing = slices.Clone(c.also)
	d.Since = snapshot.TimeOf(&n.CreationTimestamp)
	v.Settling = a.settling(n, nil)
	if (c.reason == CreateStale || c.reason == UnknownReason) && a.within(d.Since) {
		v.Reason, d.Evidence.Event = NodeYoung, nil
	}
	if a.ix.ready[v.Node] == corev1.ConditionUnknown {
		d.Contributing = append(d.Contributing, NodeLost)
		d.Evidence.Condition = conditionEvidence(nodeCondition(n, corev1.NodeReady))
	}
}

func (a *analysis) whyNotCreated() *creation {
	for i := range a.ix.s.Namespaces {
		if ns := &a.ix.s.Namespaces[i]; ns.Name == a.d.Namespace && ns.Terminating {
			return &creation{reason: NamespaceTerminating}
		}
	}
	c := &creation{reason: CreateStale, also: a.idle()}
	events := a.ix.eventsOf(a.d.Namespace, "DaemonSet", a.d.Name, a.d.UID)
	made := a.lastMade()
	for _, e := range slices.Backward(events) {
		ago := a.opts.Now.Sub(time.Unix(int64(e.Last), 0))
		if e.Reason != "FailedCreate" || ago > createFresh {
			continue
		}
		if ago > eventRefill && e.Last+snapshot.Time(ClockSkew/time.Second) < made {
			// What refused a pod then has let one pass since.
			if c.event == nil {
				c.event = eventEvidence(e)
			}
			break
		}
		why := classifyCreate(e.Message)
		if c.event == nil {
			c.reason, c.event, c.also = why, eventEvidence(e), nil
		} else if why != c.reason && !slices.Contains(c.also, why) {
			c.also = append(c.also, why)
		}
	}
	if c.event == nil {
		if f, unread := a.ix.s.Missing(snapshot.ResourceEvents, a.d.Namespace); unread {
			c.reason, c.unread = UnknownReason, describeRead(f)
		}
	}
	return c
}

// lastMade is when the controller made the newest pod that is there; 0 for none.
func (a *analysis) lastMade() snapshot.Time {
	var last snapshot.Time
	for _, i := range a.ix.byOwner[a.d.UID] {
		last = max(last, a.ix.s.Pods[i].Created)
	}
	return last
}

// idle is why the controller does not even try to create a pod.
func (a *analysis) idle() []Reason {
	_, acts := selectorOf(a.d)
	switch {
	case a.d.DeletionTimestamp != nil:
		return []Reason{DSDeleting}
	case !acts:
		return []Reason{SelectorAll}
	case a.d.Status.ObservedGeneration < a.d.Generation:
		return []Reason{StatusLag}
	}
	return nil
}

// createTexts tell why the API server refused a pod, by what its admission
// plugins write (kubernetes v1.37.2: staging/src/k8s.io/pod-security-admission,
// plugin/pkg/admission/{serviceaccount,priority,runtimeclass,limitranger,
// podnodeselector,podtolerationrestriction,imagepolicy}, apiserver
// pkg/admission/plugin/{webhook,policy,resourcequota}; OpenShift's security
// context constraints).
var createTexts = []struct {
	text   string
	reason Reason
}{
	{"violates PodSecurity", CreateForbiddenPSA},
	{"unable to validate against any security context constraint", CreateForbiddenPSA},
	{"unable to validate against any pod security policy", CreateForbiddenPSA},
	{"insufficient quota to match these scopes", CreateQuotaScope},
	{"insufficient quota to consume", CreateQuotaScope},
	{"exceeded quota:", CreateQuota},
	{"failed quota:", CreateQuota},
	{"status unknown for quota:", CreateQuota},
	{"denied request: ", CreateVAP}, // a webhook "denied the request"
	{"admission webhook ", CreateWebhook},
	{"failed calling webhook", CreateWebhook},
	{"image policy webhook", CreateWebhook},
	{"rejected by webhook backend", CreateWebhook},
	{"error looking up service account", CreateMissingRef},
	{"no PriorityClass with name", CreateMissingRef},
	{"pod rejected: RuntimeClass ", CreateMissingRef},
	{"conflicts with its namespace node label selector", CreateConflict},
	{"conflict with its namespace whitelist", CreateConflict}, // selector or tolerations
	{"conflict with its cluster whitelist", CreateConflict},
	{"conflict: runtimeClass.scheduling.", CreateConflict},
	{"RuntimeClass's defined Overhead", CreateConflict},
	{"RuntimeClass defined Overhead", CreateConflict},
	{"from the given PriorityClass name", CreateConflict},
	{" usage per ", CreateLimit},
	{"limit to request ratio per ", CreateLimit},
	{" is invalid:", CreateInvalid},
}

// classifyCreate takes the words that stand first: a webhook or a policy may
// quote those of any other plugin after its own.
func classifyCreate(message string) Reason {
	best, at := CreateFailed, len(message)
	for _, t := range createTexts {
		if i := strings.Index(message, t.text); i >= 0 && i < at {
			best, at = t.reason, i
		}
	}
	return best
}

func eventEvidence(e *snapshot.Event) *EventEvidence {
	return &EventEvidence{
		Object: e.Kind + "/" + e.Name, Reason: e.Reason, Message: e.Message,
		Count: e.Count, Last: metaTime(e.Last),
	}
}

// describeRead says which read failed, as RBAC names it.
func describeRead(f snapshot.ReadFailure) string {
	what := f.Resource
	if f.Verb != "" {
		what = f.Verb + " " + what
	}
	if f.Namespace != "" {
		what += " in " + f.Namespace
	}
	if f.Absent {
		return what + ": not in the capture"
	}
	return what + ": " + f.Error
}
