package present

import (
	"fmt"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// waveRow is one wave, or several that stand alike.
type waveRow struct {
	label       string
	done, nodes int
	state       string
	tone        tone
	first, last int
}

func waveRows(s *rollout.Status) []waveRow {
	var out []waveRow
	before := 0 // the last wave before that is not done
	for i := range s.Waves {
		w := &s.Waves[i]
		r := waveRow{label: fmt.Sprint(w.Number), done: w.Done, nodes: w.Nodes, first: w.Number, last: w.Number}
		switch {
		case canaryOf(s, w.Number):
			r.label += " canary"
		case w.Late:
			r.label += " last"
		}
		flying := flightsOf(s, w.Number)
		switch {
		case w.Done == w.Nodes:
			r.state = "done"
			if w.Nodes == 0 {
				r.state = "nobody left"
			}
		case len(flying) > 0:
			r.state, r.tone = "running"+zoneOf(flying), strong
		case w.Late:
			r.state, r.tone = "if they come back", faint
		case w.Begun:
			r.state = "begun"
		case before > 0:
			r.state, r.tone = fmt.Sprintf("waits for wave %d", before), faint
		default:
			r.state, r.tone = "next", faint
		}
		if w.Done < w.Nodes && !w.Late {
			before = w.Number
		}
		out = append(out, r)
	}
	return out
}

func flightsOf(s *rollout.Status, wave int) []rollout.FlightStatus {
	var out []rollout.FlightStatus
	for _, f := range s.Flights {
		if f.Wave == wave {
			out = append(out, f)
		}
	}
	return out
}

// zoneOf names the zone that all nodes share.
func zoneOf(flights []rollout.FlightStatus) string {
	zone := flights[0].Zone
	for _, f := range flights {
		if f.Zone != zone {
			return ""
		}
	}
	if zone == "" {
		return ""
	}
	return ", zone " + Safe(zone)
}

// collapse makes at most n rows: the waves that are done become one row, then
// those that wait, then what is left at the end.
func collapse(rows []waveRow, n int) []waveRow {
	if len(rows) <= n {
		return rows
	}
	lead := 0
	for lead < len(rows) && rows[lead].done == rows[lead].nodes {
		lead++
	}
	rows = merged(rows, 0, lead, "done")
	if len(rows) <= n {
		return rows
	}
	keep := max(n-1, 1)
	return merged(rows, min(keep, len(rows)-1), len(rows), "wait")
}

// merged puts rows from up to to into one.
func merged(rows []waveRow, from, to int, state string) []waveRow {
	if to-from < 2 {
		return rows
	}
	one := waveRow{first: rows[from].first, last: rows[to-1].last, state: state, tone: rows[from].tone}
	for _, r := range rows[from:to] {
		one.done += r.done
		one.nodes += r.nodes
		if r.done < r.nodes && r.state == "begun" || r.tone == strong {
			one.state, one.tone = "some begun", plain
		}
	}
	one.label = fmt.Sprintf("%d-%d", one.first, one.last)
	return append(append(append([]waveRow{}, rows[:from]...), one), rows[to:]...)
}

func waveCells(rows []waveRow) [][]cell {
	var out [][]cell
	done := 0
	for _, r := range rows {
		done = max(done, width(fmt.Sprint(r.done)))
	}
	for _, r := range rows {
		out = append(out, []cell{text(r.label), text(fmt.Sprintf("%*d/%d", done, r.done, r.nodes)), toned(r.tone, r.state)})
	}
	return out
}
