package present

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// pairs builds key=value text as logfmt has it.
type pairs struct{ strings.Builder }

// add writes a pair; an empty value is left out.
func (p *pairs) add(key, value string) {
	if value == "" {
		return
	}
	if p.Len() > 0 {
		p.WriteByte(' ')
	}
	p.WriteString(key + "=" + logfmtValue(value))
}

func (p *pairs) count(key string, n int) {
	if n != 0 {
		p.add(key, strconv.Itoa(n))
	}
}

// of writes part/whole where there is a whole.
func (p *pairs) of(key string, part, whole int) {
	if whole != 0 {
		p.add(key, fmt.Sprintf("%d/%d", part, whole))
	}
}

func (p *pairs) took(key string, d time.Duration) {
	if d > 0 {
		p.add(key, duration.HumanDuration(d))
	}
}

// logfmtValue quotes what would not read back as one word. What could act on
// a terminal is escaped in both forms.
func logfmtValue(s string) string {
	if s != "" && !strings.ContainsAny(s, " \"=\\") && Safe(s) == s {
		return s
	}
	return Safe(strconv.Quote(s))
}

// revision is the number of a revision, its hash where that is not known.
func (st *streamState) revision(hash string) string {
	if n := st.numbers[hash]; n != 0 {
		return strconv.FormatInt(n, 10)
	}
	return hash
}

// fields are the pairs of an event, in the same order on every line.
func (st *streamState) fields(ev *rollout.Event) string {
	var p pairs
	if ev.Type == rollout.EventStarted || ev.Type == rollout.EventResumed {
		p.add("run", ev.Run)
		p.add("daemonset", st.opts.daemonSet())
		p.add("context", st.opts.Context)
	}
	p.count("wave", ev.Wave)
	if (ev.Type == rollout.EventWaveStarted || ev.Type == rollout.EventWaveDone) && st.canary(ev.Wave) {
		p.add("name", "canary")
	}
	progress := ev.Type == rollout.EventProgress
	if !progress { // waits= names them
		p.add("node", ev.Node)
		p.add("gate", ev.Gate)
	}
	if ev.Type != rollout.EventNodeDone {
		p.add("pod", ev.Pod)
	}
	p.add("revision", st.revision(ev.Revision))
	p.count("nodes", ev.Nodes)
	if ev.Type == rollout.EventPodReady {
		p.took("after", ev.Took)
	} else {
		p.took("took", ev.Took)
	}
	p.of("done", ev.Done, ev.Total)
	p.of("ceiling", ev.Taken, ev.Ceiling)
	if ev.Type != rollout.EventGatePassed { // the word of the event says it
		p.add("reason", ev.Reason)
	}
	switch {
	case progress:
		p.add("waits", st.why(ev))
		p.add("left", st.leftWords())
	case ev.Code != "":
		p.add("because", st.why(ev))
	default:
		p.add("message", ev.Message)
	}
	return p.String()
}

func (st *streamState) leftWords() string {
	d, ok := st.left()
	if !ok {
		return none
	}
	return duration.HumanDuration(d)
}
