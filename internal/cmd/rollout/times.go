package rollout

import (
	"strings"
	"time"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// parseUntil reads the time that --until takes: a date and time, or the next
// time that a clock shows it. A zone is asked for: laptops travel.
func parseUntil(s string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00"} {
		if t, err := time.Parse(layout, s); err == nil {
			if !t.After(now) {
				return t, cli.Usagef("--until %s is over", s)
			}
			return t.UTC(), nil
		}
	}
	if t, err := time.Parse("15:04Z07:00", s); err == nil {
		return nextClock(t, t.Location(), now), nil
	}
	if clock, name, found := strings.Cut(s, " "); found {
		if t, err := time.Parse("15:04", clock); err == nil {
			zone, err := loadZone(name)
			if err != nil {
				return t, cli.Usagef("--until %q: %w", s, err)
			}
			return nextClock(t, zone, now), nil
		}
	}
	return time.Time{}, cli.Usagef("--until takes a time with its zone, as in 17:00Z, \"17:00 Europe/Berlin\" or 2026-11-23T17:00:00Z, not %q", s)
}

// nextClock is the next time after now that a clock in zone shows t.
func nextClock(t time.Time, zone *time.Location, now time.Time) time.Time {
	day := now.In(zone)
	at := func(plus int) time.Time {
		return time.Date(day.Year(), day.Month(), day.Day()+plus, t.Hour(), t.Minute(), 0, 0, zone)
	}
	if next := at(0); next.After(now) {
		return next.UTC()
	}
	return at(1).UTC()
}

func loadZone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, cli.Usagef("%q is not a time zone: it would be another one on another host", name)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, cli.Usagef("%q is not a time zone; it takes a name of the IANA database, as Europe/Berlin, America/New_York or UTC", name)
	}
	return zone, nil
}

// checkZones loads the zone of every window of a policy that is otherwise well
// formed.
func checkZones(p *rollout.Policy) error {
	for _, s := range p.Windows {
		w, err := rollout.ParseWindow(s)
		if err != nil {
			return cli.Usagef("--window: %w", err)
		}
		if _, err := loadZone(w.Zone); err != nil {
			return cli.Usagef("--window %q: %w", s, err)
		}
	}
	return nil
}

// zonesKnown are the zones of the windows of a policy that this host knows, to
// look at a run by: it may have been started on another one.
func zonesKnown(p *rollout.Policy) map[string]*time.Location {
	zones, err := zonesOf(p)
	if err != nil {
		return nil
	}
	return zones
}
