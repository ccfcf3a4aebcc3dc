package present

import (
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"
)

const none = "-"

// percent is part of whole with one decimal, cut and never rounded up: 100%
// means all of them, 0% none, more than that what is asked beyond it. Of
// nothing it is "-".
func percent(part, whole int64) string {
	switch {
	case whole <= 0:
		return none
	case part == whole:
		return "100%"
	case part <= 0:
		return "0%"
	}
	// Integers, since 0.985 as a float may be a little less than itself.
	tenths := part * 1000 / whole
	return fmt.Sprintf("%d.%d%%", tenths/10, tenths%10)
}

// plural writes a count with its word.
func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// age is how long ago t was, as kubectl writes it; "-" where it is not known.
func age(t *metav1.Time, now time.Time) string {
	if t.IsZero() || now.IsZero() {
		return none
	}
	return duration.HumanDuration(max(now.Sub(t.Time), 0))
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// took is a reading's time, short.
func took(d time.Duration) string {
	switch {
	case d < 100*time.Millisecond:
		return fmt.Sprintf("%dms", max(d.Milliseconds(), 1))
	case d < time.Minute:
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return d.Round(time.Second).String()
}

func orNone(s string) string {
	if s == "" {
		return none
	}
	return Safe(s)
}

func cpu(milli int64) string { return fmt.Sprintf("%dm", milli) }

// memory is in Mi, as most requests are; what is smaller keeps its unit.
func memory(bytes int64) string {
	const ki, mi = 1 << 10, 1 << 20
	switch {
	case bytes == 0:
		return "0"
	case bytes < ki:
		return fmt.Sprint(bytes)
	case bytes < mi:
		return fmt.Sprintf("%dKi", bytes/ki)
	}
	return fmt.Sprintf("%dMi", bytes/mi)
}

// commonDomain is the domain suffix, with its dot, that all names share; empty
// where there is none, or a name would be empty without it.
func commonDomain(names []string) string {
	if len(names) < 2 {
		return ""
	}
	suffix := domain(names[0])
	for _, n := range names[1:] {
		for suffix != "" && (!strings.HasSuffix(n, suffix) || len(n) == len(suffix)) {
			suffix = domain(suffix[1:])
		}
	}
	// Addresses share numbers by chance: a domain begins with a letter.
	for suffix != "" && (len(suffix) == 1 || suffix[1] < 'a' || suffix[1] > 'z') {
		suffix = domain(suffix[1:])
	}
	return suffix
}

// domain is the rest of a name from its first dot on.
func domain(name string) string {
	if i := strings.IndexByte(name, '.'); i >= 0 {
		return name[i:]
	}
	return ""
}

// compareTimes sorts by age, the youngest first; what has none comes last.
func compareTimes(a, b *metav1.Time) int {
	switch {
	case a.IsZero() && b.IsZero():
		return 0
	case a.IsZero():
		return 1
	case b.IsZero():
		return -1
	}
	return b.Compare(a.Time)
}
