package audit

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit/sim/check"
)

// Observe takes in a list of the pods of a namespace. A kube-apiserver that is
// killed may have committed writes that it never logged: what a list says
// after it came back fills the gap. What the log knows already is passed by.
func (l *Log) Observe(namespace string, pods *corev1.PodList) error {
	rv, err := strconv.ParseInt(pods.ResourceVersion, 10, 64)
	if err != nil {
		return fmt.Errorf("observing the pods of %s: resourceVersion: %w", namespace, err)
	}
	gap := entry{kind: "Pod", verb: observed, namespace: namespace, rv: rv, there: map[string]bool{}}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range pods.Items {
		p := &pods.Items[i]
		body, err := json.Marshal(p)
		if err != nil {
			return fmt.Errorf("observing pod %s/%s: %w", namespace, p.Name, err)
		}
		e := entry{kind: "Pod", verb: "update", namespace: namespace, agent: observed, user: observed}
		got, err := e.answer([]byte(`{"kind":"Pod",` + string(body[1:])))
		if err != nil {
			return err
		}
		l.entries = append(l.entries, got...)
		gap.there[string(p.UID)] = true
	}
	l.entries = append(l.entries, gap)
	return nil
}

// observed marks what a list said, and no request did.
const observed = "observed"

// missed ends the pods that a list did not hold any more.
func (h *historian) missed(e *entry) {
	for key, o := range h.live {
		name, ok := strings.CutPrefix(key, "Pod/"+e.namespace+"/")
		if !ok || e.there[o.UID] {
			continue
		}
		h.out.Writes = append(h.out.Writes, check.Write{
			RV: e.rv, At: h.now, Actor: observed, Verb: "remove", Kind: "Pod", Namespace: e.namespace, Name: name, Pre: o,
		})
		delete(h.live, key)
	}
}
