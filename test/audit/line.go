package audit

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit/sim/check"
)

// line is what is read of an event of audit.k8s.io/v1.
type line struct {
	Stage      string `json:"stage"`
	RequestURI string `json:"requestURI"`
	Verb       string `json:"verb"`
	User       struct {
		Username string `json:"username"`
	} `json:"user"`
	UserAgent string `json:"userAgent"`
	ObjectRef struct {
		Resource    string `json:"resource"`
		APIGroup    string `json:"apiGroup"`
		Subresource string `json:"subresource"`
		Namespace   string `json:"namespace"`
		Name        string `json:"name"`
	} `json:"objectRef"`
	ResponseStatus struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
	RequestObject  json.RawMessage `json:"requestObject"`
	ResponseObject json.RawMessage `json:"responseObject"`
	Received       time.Time       `json:"requestReceivedTimestamp"`
	Done           time.Time       `json:"stageTimestamp"`
}

// entry is one write that succeeded.
type entry struct {
	received, done time.Time
	user, agent    string
	verb, kind     string // as in check.Write; "bind" beside
	namespace      string
	name, uid      string
	rv             int64 // 0 where the answer does not say
	precondition   metav1.Preconditions
	dryRun         bool
	removed        bool
	object         *check.Object // afterwards, or last; nil where the answer does not say
	target         string        // node of a bind
	lease          leaseFacts
	there          map[string]bool // uids, of a list
}

// leaseFacts are what a Lease says beside check.Lease.
type leaseFacts struct {
	renewTime string
	intents   string
}

// kinds by resource, of what is judged.
var kinds = map[string]string{
	"pods": "Pod", "nodes": "Node", "daemonsets": "DaemonSet",
	"controllerrevisions": "ControllerRevision", "leases": "Lease",
}

// ours begins the user agent of the plugins.
const ours = "kubectl-ds"

// parse reads one line. It returns nothing for what is no write, did not
// succeed, or concerns other kinds.
func parse(text []byte) ([]entry, error) {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return nil, fmt.Errorf("reading a line of the audit log: %w", err)
	}
	kind := kinds[l.ObjectRef.Resource]
	if kind == "" || l.Stage != "ResponseComplete" || l.ResponseStatus.Code >= 300 || l.ObjectRef.Namespace == "kube-node-lease" {
		return nil, nil
	}
	e := entry{
		received: l.Received, done: l.Done, user: l.User.Username, agent: l.UserAgent, verb: l.Verb, kind: kind,
		namespace: l.ObjectRef.Namespace, name: l.ObjectRef.Name, dryRun: strings.Contains(l.RequestURI, "dryRun="),
	}
	var err error
	switch {
	case l.Verb == "create" && l.ObjectRef.Subresource == "eviction":
		return e.eviction(l.RequestObject)
	case l.Verb == "create" && l.ObjectRef.Subresource == "binding":
		return e.binding(l.RequestObject)
	case l.Verb == "create":
	case l.Verb == "update" || l.Verb == "patch":
		e.precondition, err = ofBody(l.RequestObject)
	case l.Verb == "delete" || l.Verb == "deletecollection":
		err = e.options(l.RequestObject)
	default:
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s of %s %s/%s in the audit log: %w", l.Verb, kind, e.namespace, e.name, err)
	}
	return e.answer(l.ResponseObject)
}

// deleteOptions are read by hand: the log names an internal version.
type deleteOptions struct {
	Preconditions      metav1.Preconditions `json:"preconditions"`
	GracePeriodSeconds *int64               `json:"gracePeriodSeconds"`
	DryRun             []string             `json:"dryRun"`
}

func (e *entry) options(body json.RawMessage) error {
	if len(body) == 0 {
		return nil
	}
	var o deleteOptions
	if err := json.Unmarshal(body, &o); err != nil {
		return err
	}
	e.precondition = o.Preconditions
	e.dryRun = e.dryRun || len(o.DryRun) > 0
	return nil
}

func (e *entry) eviction(body json.RawMessage) ([]entry, error) {
	var ev struct {
		DeleteOptions deleteOptions `json:"deleteOptions"`
	}
	if err := json.Unmarshal(body, &ev); err != nil {
		return nil, fmt.Errorf("reading the eviction of %s/%s in the audit log: %w", e.namespace, e.name, err)
	}
	e.verb = "evict"
	e.precondition = ev.DeleteOptions.Preconditions
	e.dryRun = e.dryRun || len(ev.DeleteOptions.DryRun) > 0
	e.removed = ev.DeleteOptions.GracePeriodSeconds != nil && *ev.DeleteOptions.GracePeriodSeconds == 0
	return []entry{*e}, nil
}

func (e *entry) binding(body json.RawMessage) ([]entry, error) {
	var b struct {
		Target struct {
			Name string `json:"name"`
		} `json:"target"`
	}
	if err := json.Unmarshal(body, &b); err != nil {
		return nil, fmt.Errorf("reading the binding of %s/%s in the audit log: %w", e.namespace, e.name, err)
	}
	e.verb, e.target = "bind", b.Target.Name
	return []entry{*e}, nil
}

// ofBody finds what an update or a patch demands of the object: in its
// metadata, or in the test operations of a JSON patch.
func ofBody(body json.RawMessage) (metav1.Preconditions, error) {
	var out metav1.Preconditions
	text := strings.TrimSpace(string(body))
	if text == "" {
		return out, nil
	}
	if strings.HasPrefix(text, "[") {
		var ops []struct {
			Op    string `json:"op"`
			Path  string `json:"path"`
			Value any    `json:"value"`
		}
		if err := json.Unmarshal(body, &ops); err != nil {
			return out, err
		}
		for _, op := range ops {
			value, isText := op.Value.(string)
			if op.Op != "test" || !isText {
				continue
			}
			switch op.Path {
			case "/metadata/uid":
				out.UID = newUID(value)
			case "/metadata/resourceVersion":
				out.ResourceVersion = &value
			}
		}
		return out, nil
	}
	var o struct {
		Metadata struct {
			UID             string `json:"uid"`
			ResourceVersion string `json:"resourceVersion"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(body, &o); err != nil {
		return out, err
	}
	if o.Metadata.UID != "" {
		out.UID = newUID(o.Metadata.UID)
	}
	if o.Metadata.ResourceVersion != "" {
		out.ResourceVersion = &o.Metadata.ResourceVersion
	}
	return out, nil
}
