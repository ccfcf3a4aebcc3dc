package rollout

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// policyFlags are the flags that make a policy, over a file or alone.
type policyFlags struct {
	fs    *pflag.FlagSet
	now   func() time.Time
	file  string
	bound []boundFlag
	names []string // of the flags that add has added
	drain drainFlags
	gates gateFlags
	made  *rollout.Policy // what errors are about
}

// boundFlag is a flag and what it does to a policy where it was given.
type boundFlag struct {
	name  string
	apply func(*rollout.Policy) error
}

// add adds all flags of a policy to a command.
func (f *policyFlags) add(a *app, cmd *cobra.Command) error {
	f.fs, f.now = cmd.Flags(), a.clock
	others := map[string]bool{}
	f.fs.VisitAll(func(flag *pflag.Flag) { others[flag.Name] = true })
	f.fs.StringVar(&f.file, "policy", "", "A file of kind RolloutPolicy, YAML or JSON, or - for standard input. Flags override its fields; gates add to its gates.")
	f.addPace()
	f.addSelection()
	f.addTiming()
	f.addFailing()
	f.addAcceptance()
	f.addPerNode()
	f.gates.add(f.fs)
	f.fs.VisitAll(func(flag *pflag.Flag) {
		if !others[flag.Name] {
			f.names = append(f.names, flag.Name)
		}
	})
	return f.complete(a, cmd)
}

// policy makes the policy that file and flags ask for, checked. It asks no
// cluster.
func (f *policyFlags) policy(stdin io.Reader) (*rollout.Policy, error) {
	p := &rollout.Policy{}
	if f.file != "" {
		var err error
		if p, err = readPolicy(f.file, stdin); err != nil {
			return nil, err
		}
	}
	for _, b := range f.bound {
		if !f.fs.Changed(b.name) {
			continue
		}
		if err := b.apply(p); err != nil {
			return nil, err
		}
	}
	if err := f.drain.apply(f.fs, p); err != nil {
		return nil, err
	}
	if err := f.gates.apply(f.fs, p); err != nil {
		return nil, err
	}
	f.made = p
	if err := p.Check(); err != nil {
		return nil, cli.Usagef("%w", f.asFlags(err))
	}
	return p, checkZones(p)
}

func (f *policyFlags) bind(name string, apply func(*rollout.Policy) error) {
	f.bound = append(f.bound, boundFlag{name, apply})
}

func (f *policyFlags) text(name, def, usage string, apply func(*rollout.Policy, string) error) {
	v := f.fs.String(name, def, usage)
	f.bind(name, func(p *rollout.Policy) error { return apply(p, *v) })
}

func (f *policyFlags) list(name string, def []string, usage string, apply func(*rollout.Policy, []string) error) {
	v := f.fs.StringSlice(name, def, usage)
	f.bind(name, func(p *rollout.Policy) error { return apply(p, *v) })
}

func (f *policyFlags) number(name, usage string, to func(*rollout.Policy) *int32) {
	v := f.fs.Int32(name, 0, usage)
	f.bind(name, func(p *rollout.Policy) error { *to(p) = *v; return nil })
}

func (f *policyFlags) yes(name, usage string, to func(*rollout.Policy) *bool) {
	v := f.fs.Bool(name, false, usage)
	f.bind(name, func(p *rollout.Policy) error { *to(p) = *v; return nil })
}

func (f *policyFlags) time(name string, def time.Duration, usage string, to func(*rollout.Policy) **metav1.Duration) {
	v := f.fs.Duration(name, def, usage)
	f.bind(name, func(p *rollout.Policy) error { *to(p) = &metav1.Duration{Duration: *v}; return nil })
}

// amount reads a number or a percentage; Check says whether it is in range.
func amount(flag, s string) (intstr.IntOrString, error) {
	if s == "" {
		return intstr.IntOrString{}, cli.Usagef("--%s takes a number or a percentage, as in 3 or 5%%", flag)
	}
	return intstr.Parse(strings.TrimSpace(s)), nil
}

// field finds the field that an error of Policy.Check is about.
var field = regexp.MustCompile(`^policy: ([A-Za-z.]+)(\[\d+\])?: `)

// asFlags names the flag where a field that is wrong came from one.
func (f *policyFlags) asFlags(err error) error {
	parts := []error{err}
	var many interface{ Unwrap() []error }
	if errors.As(err, &many) {
		parts = many.Unwrap()
	}
	var out error
	for _, e := range parts {
		e = f.asFlag(e)
		if out == nil {
			out = e
			continue
		}
		out = fmt.Errorf("%w; %w", out, e)
	}
	return out
}

func (f *policyFlags) asFlag(err error) error {
	m := field.FindStringSubmatch(err.Error())
	if m == nil {
		return f.asGateFlag(err)
	}
	name := flagOf(m[1])
	if flag := f.fs.Lookup(name); flag == nil || !flag.Changed {
		return err
	}
	return fmt.Errorf("--%s: %s", name, strings.TrimPrefix(err.Error(), m[0]))
}

// flagOf is the flag for a field: drain.podSelector is --pod-selector.
func flagOf(field string) string {
	switch field {
	case "windows":
		return "window"
	case "drain.timeout":
		return "drain-timeout"
	case "waitForJobs.selector":
		return "wait-for-jobs"
	case "waitForJobs.timeout":
		return "wait-for-jobs-timeout"
	}
	field = field[strings.LastIndexByte(field, '.')+1:]
	var b strings.Builder
	for i, r := range field {
		if r >= 'A' && r <= 'Z' && i > 0 {
			b.WriteByte('-')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}
