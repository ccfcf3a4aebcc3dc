package present

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// phrase is how a code reads: words, then where, then what was said.
type phrase struct {
	words string
	at    string // between words and the node
	open  string // between those and the message
	shut  string // after the message
}

// causeWords has words for every code of pkg/rollout; a test holds it to that.
var causeWords = map[rollout.Code]phrase{
	rollout.WaitObserved:    {words: "the controller has not seen the newest change yet"},
	rollout.WaitRevision:    {words: "the controller has not made the new revision yet"},
	rollout.WaitRead:        {words: "a read failed"},
	rollout.WaitTerminating: {words: "old pod Terminating", open: " (", shut: ")"},
	rollout.WaitNewPod:      {words: "no new pod yet"},
	rollout.WaitAvailable:   {words: "new pod not available yet", open: " (", shut: ")"},
	rollout.WaitSoak:        {words: "soak", open: " (", shut: ")"},
	rollout.WaitGate:        {words: "gate"},
	rollout.WaitJobs:        {words: "jobs still run"},
	rollout.WaitDrain:       {words: "pods leave"},
	rollout.WaitCeiling:     {words: "all places of the ceiling are taken", at: ", one by "},
	rollout.WaitZone:        {words: "one zone at a time, and another is not finished", at: ", with ", open: " "},
	rollout.WaitNode:        {words: "a node of the wave is not Ready", at: ": "},
	rollout.WaitPending:     {words: "a node is between pods, without this run", at: ": ", open: " (", shut: ")"},
	rollout.WaitHeld:        {words: "another run holds a cordon"},
	rollout.WaitWindow:      {words: "outside the window", open: ", "},
	rollout.WaitLanding:     {words: "nodes in flight finish first"},
	rollout.WaitChange:      {words: "the process that brings the new template is gone"},
	rollout.WaitLeft:        {words: "only nodes are left that cannot be acted on", at: ": ", open: " (", shut: ")"},
	rollout.WaitStep:        {words: "the next step is due"},
	rollout.WaitDriver:      {words: "the driver is silent"},

	rollout.PauseAsked:    {words: "pause asked", open: " by "},
	rollout.PauseLeft:     {words: "interrupted", open: " by "},
	rollout.PauseApproval: {words: "approval asked"},
	rollout.PauseUntil:    {words: "the time of --until is reached"},
	rollout.PauseTimeout:  {words: "timed out"},
	rollout.PauseTemplate: {words: "somebody changed the template"},
	rollout.PauseFlip:     {words: "somebody took OnDelete back, it is armed again"},
	rollout.PauseUncordon: {words: "somebody uncordoned a node", at: ": ", open: " (", shut: ")"},

	rollout.StopFailed:       {words: "node failed", at: ": "},
	rollout.StopGate:         {words: "gate"},
	rollout.StopCeiling:      {words: "the ceiling is full and nothing is in flight", at: ", first "},
	rollout.StopZone:         {words: "one zone at a time, and another is not finished", at: ", with "},
	rollout.StopFlip:         {words: "the update strategy was taken back again"},
	rollout.StopGone:         {words: "the DaemonSet was deleted"},
	rollout.StopRecreated:    {words: "the DaemonSet was deleted and made again"},
	rollout.StopCluster:      {words: "this is another cluster than the run's"},
	rollout.StopLockLost:     {words: "another driver took over"},
	rollout.StopLeaseGone:    {words: "the Lease was deleted"},
	rollout.StopUndo:         {words: "cannot undo"},
	rollout.StopChange:       {words: "the new template was never applied"},
	rollout.StopStale:        {words: "the template was changed since the plan was made", open: ", "},
	rollout.StopMisfit:       {words: "the new template was not brought"},
	rollout.StopHeld:         {words: "hold: the old template is back, no pod was touched"},
	rollout.StopRevisionGone: {words: "the revision is gone"},
}

// Because says a cause in one phrase, fit for a terminal: what is waited for
// or what stopped the run, where, and what was said about it.
func Because(c rollout.Cause) string { return Safe(because(c, nil)) }

// BecauseIn is Because with what the status knows of the node beside: how long
// it has soaked, and for how long it must.
func BecauseIn(c rollout.Cause, s *rollout.Status) string { return Safe(because(c, s)) }

// because is unescaped, since what quotes it escapes it again.
func because(c rollout.Cause, s *rollout.Status) string {
	switch c.Code {
	case rollout.PauseApproval:
		return approval(c)
	case rollout.WaitGate, rollout.StopGate:
		return gateWords(c)
	case rollout.WaitWindow:
		if c.Since != nil { // of this code it is when the window opens
			return "outside the window, it opens at " + clock(c.Since.Time)
		}
	case rollout.WaitSoak:
		if f := flightOf(s, c.Node); f != nil {
			if soaked, whole := soakOf(f, s.At); whole > 0 {
				return fmt.Sprintf("soak %s of %s on %s", duration.HumanDuration(soaked), duration.HumanDuration(whole), c.Node)
			}
		}
	default:
	}
	p, ok := causeWords[c.Code]
	if !ok {
		p.words = string(c.Code)
	}
	return p.say(c)
}

func (p phrase) say(c rollout.Cause) string {
	var b strings.Builder
	b.WriteString(p.words)
	if c.Node != "" {
		at := p.at
		if at == "" {
			at = " on "
		}
		b.WriteString(at + c.Node)
	}
	if c.Message != "" {
		open := p.open
		if open == "" {
			open = ": "
		}
		b.WriteString(open + c.Message + p.shut)
	}
	return b.String()
}

func approval(c rollout.Cause) string {
	if c.Node != "" {
		return "node " + c.Node + " done, approval asked"
	}
	if c.Wave == 0 {
		return "approval asked"
	}
	if c.Message != "" {
		return waveName(c.Wave) + " " + c.Message + ", approval asked"
	}
	return waveName(c.Wave) + " done, approval asked"
}

// waveName is what a wave is called in a sentence: where a run asks after the
// first of several, that one is the canary.
func waveName(n int) string {
	if n == 1 {
		return "canary"
	}
	return waveNumber(n)
}

func waveNumber(n int) string { return fmt.Sprintf("wave %d", n) }

func gateWords(c rollout.Cause) string {
	out := strings.TrimSpace("gate " + c.Gate)
	switch {
	case c.Node != "":
		out += " on " + c.Node
	case c.Wave > 0:
		out += fmt.Sprintf(" before wave %d", c.Wave)
	}
	if c.Code == rollout.StopGate {
		out += " blocks"
	}
	if c.Message != "" {
		out += ": " + c.Message
	}
	return out
}

func flightOf(s *rollout.Status, node string) *rollout.FlightStatus {
	if s == nil {
		return nil
	}
	for i := range s.Flights {
		if s.Flights[i].Node == node {
			return &s.Flights[i]
		}
	}
	return nil
}

// soakOf is how long a node has soaked at a time, and how long it must; zero
// where it does not soak.
func soakOf(f *rollout.FlightStatus, at time.Time) (soaked, whole time.Duration) {
	if f.Code != rollout.WaitSoak || f.Until.IsZero() {
		return 0, 0
	}
	whole = f.Soaks + max(f.Until.Sub(at), 0)
	return f.Soaks, whole.Round(time.Second)
}

// span is a duration to the second, without the zeros that Go would write:
// 1m58s, 2h30m, 4s. From an hour on seconds say nothing.
func span(d time.Duration) string {
	d = max(d, 0).Truncate(time.Second)
	if d >= time.Hour {
		d = d.Truncate(time.Minute)
	}
	h, m, s := d/time.Hour, d%time.Hour/time.Minute, d%time.Minute/time.Second
	out := ""
	if h > 0 {
		out += fmt.Sprintf("%dh", h)
	}
	if m > 0 {
		out += fmt.Sprintf("%dm", m)
	}
	if s > 0 || out == "" {
		out += fmt.Sprintf("%ds", s)
	}
	return out
}

// roughly is a span of which seconds are not worth saying from ten minutes on.
func roughly(d time.Duration) string {
	if d >= 10*time.Minute {
		d = d.Truncate(time.Minute)
	}
	return span(d)
}
