package rollout

import (
	"math"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// Defaults of a policy.
const (
	DefaultSoak         = 10 * time.Second
	DefaultNodeTimeout  = 10 * time.Minute
	DefaultGateTimeout  = 30 * time.Second
	DefaultGateInterval = 10 * time.Second
	// canaryPauseAbove is the size of a run above which the canary asks for
	// an approval by default, where a terminal can give it.
	canaryPauseAbove = 20
)

// Context is what the defaults depend on.
type Context struct {
	Nodes    int  // that the run will act on
	Archs    int  // architectures among them
	Terminal bool // somebody can be asked
}

// WithDefaults returns p with every default filled in, those that depend on c
// included. p is not changed.
func (p *Policy) WithDefaults(c Context) *Policy {
	out := p.DeepCopy()
	out.APIVersion, out.Kind = snapshot.APIVersion, KindPolicy
	if out.MaxUnavailable == nil {
		one := intstr.FromInt32(1)
		out.MaxUnavailable = &one
	}
	if len(out.Waves) == 0 {
		// One node for each architecture: the first wave must meet every kind.
		out.Waves = []intstr.IntOrString{intstr.FromInt32(int32(max(1, c.Archs))), intstr.FromString("100%")}
	}
	if len(out.CanarySpread) == 0 {
		out.CanarySpread = []string{"zone", "arch"}
	}
	if out.OneZoneAtATime == nil {
		byZone := len(out.Order) > 0 && strings.TrimPrefix(out.Order[0], "-") == "zone"
		out.OneZoneAtATime = &byZone
	}
	if out.PauseAfter == "" {
		out.PauseAfter = PauseNone
		if c.Nodes > canaryPauseAbove && c.Terminal {
			out.PauseAfter = PauseCanary
		}
	}
	if out.Soak == nil {
		out.Soak = &metav1.Duration{Duration: DefaultSoak}
	}
	if out.NodeTimeout == nil {
		out.NodeTimeout = &metav1.Duration{Duration: DefaultNodeTimeout}
	}
	if out.OnFailure == "" {
		out.OnFailure = FailPause
	}
	for i := range out.Gates {
		g := &out.Gates[i]
		if g.Timeout == nil {
			g.Timeout = &metav1.Duration{Duration: DefaultGateTimeout}
		}
		if g.Interval == nil {
			g.Interval = &metav1.Duration{Duration: DefaultGateInterval}
		}
	}
	return out
}

// Ceiling is how many nodes of a scope may be unavailable or not yet proven;
// at least one, and no more than there are.
func (p *Policy) Ceiling(scope int) int {
	if p.MaxUnavailable == nil {
		return 1
	}
	return max(1, min(scaled(*p.MaxUnavailable, scope), scope))
}

// Parallel is how many nodes may be in flight.
func (p *Policy) Parallel(scope int) int {
	if p.MaxParallel > 0 {
		return max(1, min(int(p.MaxParallel), scope))
	}
	return p.Ceiling(scope)
}

// scaled is a number, or a percentage of total rounded up as the DaemonSet
// controller rounds both of its own (rollout.md e-10).
func scaled(v intstr.IntOrString, total int) int {
	if v.Type == intstr.Int {
		return v.IntValue()
	}
	pct, err := percent(v.StrVal)
	if err != nil {
		return 0
	}
	return int(math.Ceil(float64(pct) * float64(total) / 100))
}

// soak of p for a DaemonSet with minReadySeconds.
func (p *Policy) soak(minReadySeconds int32) time.Duration {
	d := DefaultSoak
	if p.Soak != nil {
		d = p.Soak.Duration
	}
	return max(d, time.Duration(minReadySeconds)*time.Second)
}

func (p *Policy) nodeTimeout() time.Duration {
	if p.NodeTimeout == nil {
		return DefaultNodeTimeout
	}
	return p.NodeTimeout.Duration
}

func (p *Policy) cordons() bool { return p.Cordon || p.Drain != nil }

// orNodeTimeout takes d where it is set, else the timeout of a node.
func (p *Policy) orNodeTimeout(d *metav1.Duration) time.Duration {
	if d == nil || d.Duration == 0 {
		return p.nodeTimeout()
	}
	return d.Duration
}
