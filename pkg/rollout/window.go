package rollout

import (
	"fmt"
	"strings"
	"time"
)

// Window is a weekly time of day, as in "Mon-Fri 09:00-17:00 Europe/Berlin".
// Where it ends before it begins it goes past midnight.
type Window struct {
	Days     [7]bool // by time.Weekday: on which it begins
	From, To int     // minutes since midnight
	Zone     string
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// ParseWindow reads a window. A zone is asked for: laptops travel. Whether the
// zone exists is seen by whoever loads it.
func ParseWindow(s string) (Window, error) {
	var w Window
	f := strings.Fields(s)
	if len(f) == 2 {
		return w, fmt.Errorf("%q names no time zone, as in %s Europe/Berlin", s, s)
	}
	if len(f) != 3 {
		return w, fmt.Errorf("%q is not DAYS HH:MM-HH:MM ZONE, as in Mon-Fri 09:00-17:00 Europe/Berlin", s)
	}
	for _, part := range strings.Split(f[0], ",") {
		a, b, isRange := strings.Cut(part, "-")
		if !isRange {
			b = a
		}
		from, to := weekday(a), weekday(b)
		if from < 0 || to < 0 {
			return w, fmt.Errorf("%q is not a day or a range of days, as in Mon-Fri", part)
		}
		for d := from; ; d = (d + 1) % 7 {
			w.Days[d] = true
			if d == to {
				break
			}
		}
	}
	a, b, ok := strings.Cut(f[1], "-")
	from, errA := clock(a)
	to, errB := clock(b)
	if !ok || errA != nil || errB != nil || from == to {
		return w, fmt.Errorf("%q is not HH:MM-HH:MM", f[1])
	}
	w.From, w.To, w.Zone = from, to, f[2]
	return w, nil
}

func weekday(s string) int {
	for i, d := range weekdays {
		if strings.EqualFold(d, s) {
			return i
		}
	}
	return -1
}

func clock(s string) (int, error) {
	t, err := time.Parse("15:04", s)
	if err != nil {
		return 0, err
	}
	return t.Hour()*60 + t.Minute(), nil
}

// Open reports whether the window is open at now, seen in its zone, and if
// not when it opens next.
func (w Window) Open(now time.Time, zone *time.Location) (open bool, next time.Time) {
	at := now.In(zone)
	minute := at.Hour()*60 + at.Minute()
	today, yesterday := w.Days[at.Weekday()], w.Days[(at.Weekday()+6)%7]
	switch {
	case w.From < w.To && today && minute >= w.From && minute < w.To:
		return true, now
	case w.From > w.To && (today && minute >= w.From || yesterday && minute < w.To):
		return true, now
	}
	for d := range 8 {
		day := at.AddDate(0, 0, d)
		start := time.Date(day.Year(), day.Month(), day.Day(), w.From/60, w.From%60, 0, 0, zone)
		if w.Days[start.Weekday()] && start.After(now) {
			return false, start
		}
	}
	return false, time.Time{}
}

// Open reports whether nodes may be started at now as far as windows tell, and
// if not when one opens. Without any it is always. A window of a zone that is
// not among zones is closed.
func (p *Policy) Open(now time.Time, zones map[string]*time.Location) (open bool, next time.Time) {
	for _, s := range p.Windows {
		w, err := ParseWindow(s)
		zone := zones[w.Zone]
		if err != nil || zone == nil {
			continue
		}
		open, at := w.Open(now, zone)
		if open {
			return true, now
		}
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return len(p.Windows) == 0, next
}
