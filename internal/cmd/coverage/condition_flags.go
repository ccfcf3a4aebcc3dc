package coverage

import (
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
)

// conditionFlags ask for more than a report.
type conditionFlags struct {
	failOn       []string
	minCoverage  string
	allowUnknown bool
	wait         bool
	timeout      time.Duration
	timeoutSet   func() bool
}

const defaultTimeout = 5 * time.Minute

func (f *conditionFlags) add(fs *pflag.FlagSet) {
	fs.StringSliceVar(&f.failOn, "fail-on", nil, "Exit with 1 where there are any of these: "+strings.Join(coverage.FailOnWords, ", ")+".")
	fs.StringVar(&f.minCoverage, "min-coverage", "", "Exit with 1 where the coverage of any DaemonSet is below this many percent, as in 99.5.")
	fs.BoolVar(&f.allowUnknown, "allow-unknown", false, "Do not exit with 3 where the condition depends on something that could not be read.")
	fs.BoolVar(&f.wait, "wait", false, "Read again until the condition of --fail-on and --min-coverage holds.")
	fs.DurationVar(&f.timeout, "timeout", defaultTimeout, "How long to --wait before exiting with 6; 0 waits for ever.")
	f.timeoutSet = func() bool { return fs.Changed("timeout") }
}

// condition is what the flags mean.
type condition struct {
	coverage.Condition
	Wait    bool
	Timeout time.Duration // 0 for none
}

func (f *conditionFlags) options(from string) (condition, error) {
	c, err := coverage.ParseCondition(f.failOn, f.minCoverage, f.allowUnknown)
	if err != nil {
		return condition{}, cli.Usagef("%w%s", err, f.nearWord())
	}
	switch {
	case f.wait && c.Empty():
		return condition{}, cli.Usagef("--wait needs a condition to wait for: add --fail-on gaps, or --min-coverage 100")
	case f.wait && from != "":
		return condition{}, cli.Usagef("--wait reads a cluster again and again, and a capture never changes: leave out --from or --wait")
	case !f.wait && f.timeoutSet():
		return condition{}, cli.Usagef("--timeout is how long to --wait: add --wait; the time of one request is --request-timeout")
	case f.timeout < 0:
		return condition{}, cli.Usagef("--timeout takes a time such as 10m, or 0 for ever, not %s", f.timeout)
	}
	c.CountSettling = f.wait
	return condition{Condition: c, Wait: f.wait, Timeout: f.timeout}, nil
}

func (f *conditionFlags) nearWord() string {
	for _, w := range f.failOn {
		if near := cli.DidYouMean(w, coverage.FailOnWords); near != "" && len(cli.Near(w, coverage.FailOnWords)) == 1 {
			return near
		}
	}
	return ""
}

// String is the condition as it was asked for.
func (c *condition) String() string {
	var parts []string
	if len(c.FailOn) > 0 {
		parts = append(parts, "no "+strings.Join(c.FailOn, ", no "))
	}
	if c.MinCoverage != nil {
		parts = append(parts, "coverage of each DaemonSet at least "+percentOf(*c.MinCoverage))
	}
	return strings.Join(parts, ", ")
}

func completeCondition(cmd *cobra.Command) error {
	return cli.RegisterFlags(cmd, map[string]cli.CompleteFunc{
		"fail-on":      cli.List(cli.Words(coverage.FailOnWords...)),
		"min-coverage": cobra.NoFileCompletions,
		"timeout":      cobra.NoFileCompletions,
	})
}
