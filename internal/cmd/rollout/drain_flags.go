package rollout

import (
	"strings"
	"time"

	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// drainFlags have the names and meanings of kubectl drain's, but for
// --drain-timeout: --timeout is of the whole run.
type drainFlags struct {
	on              bool
	gracePeriod     int32
	timeout         time.Duration
	deleteEmptyDirs bool
	force           bool
	podSelector     string
	jobs            string
	jobsTimeout     time.Duration
}

// drainOptions are flags that need a drain.
var drainOptions = []string{"grace-period", "drain-timeout", "delete-emptydir-data", "force", "pod-selector"}

func (f *policyFlags) addPerNode() {
	f.yes("cordon", "Cordon each node while its pod is replaced, and uncordon it after, unless it was cordoned before.",
		func(p *rollout.Policy) *bool { return &p.Cordon })
	d, fs := &f.drain, f.fs
	fs.BoolVar(&d.on, "drain", false, "Cordon and drain each node before its pod is replaced, as kubectl drain does. PodDisruptionBudgets are respected; pods of DaemonSets stay.")
	fs.Int32Var(&d.gracePeriod, "grace-period", -1, "Seconds that evicted pods have to end. If negative, what each pod says is used.")
	fs.DurationVar(&d.timeout, "drain-timeout", 0, "How long the drain of a node may take. 0 means as long as --node-timeout.")
	fs.BoolVar(&d.deleteEmptyDirs, "delete-emptydir-data", false, "Evict pods with emptyDir volumes, too: their local data is deleted.")
	fs.BoolVar(&d.force, "force", false, "Evict pods without a controller, too: nobody makes them again.")
	fs.StringVar(&d.podSelector, "pod-selector", "", "Selector (label query) for pods: only these are evicted.")
	fs.StringVar(&d.jobs, "wait-for-jobs", "", "Selector (label query) for pods: a node is held until none of these runs on it.")
	fs.DurationVar(&d.jobsTimeout, "wait-for-jobs-timeout", 0, "How long a node is held for jobs. 0 means as long as --node-timeout.")
}

func (d *drainFlags) apply(fs *pflag.FlagSet, p *rollout.Policy) error {
	if fs.Changed("drain") {
		switch {
		case !d.on:
			p.Drain = nil
		case p.Drain == nil:
			p.Drain = &rollout.Drain{}
		}
	}
	if p.Drain != nil && fs.Changed("cordon") && !p.Cordon {
		return cli.Usagef("--cordon=false contradicts a drain, which cordons: leave one of them out")
	}
	for _, name := range drainOptions {
		if fs.Changed(name) && p.Drain == nil {
			return cli.Usagef("--%s is about a drain: add --drain", name)
		}
	}
	d.drain(fs, p.Drain)
	return d.waitForJobs(fs, p)
}

func (d *drainFlags) drain(fs *pflag.FlagSet, to *rollout.Drain) {
	if fs.Changed("grace-period") {
		v := d.gracePeriod
		to.GracePeriodSeconds = &v
	}
	if fs.Changed("drain-timeout") {
		to.Timeout = &metav1.Duration{Duration: d.timeout}
	}
	if fs.Changed("delete-emptydir-data") {
		to.DeleteEmptyDirData = d.deleteEmptyDirs
	}
	if fs.Changed("force") {
		to.Force = d.force
	}
	if fs.Changed("pod-selector") {
		to.PodSelector = d.podSelector
	}
}

func (d *drainFlags) waitForJobs(fs *pflag.FlagSet, p *rollout.Policy) error {
	if fs.Changed("wait-for-jobs") {
		if strings.TrimSpace(d.jobs) == "" {
			return cli.Usagef("--wait-for-jobs takes a label selector, as in job-name: an empty one would wait for every pod")
		}
		if p.WaitForJobs == nil {
			p.WaitForJobs = &rollout.WaitForJobs{}
		}
		p.WaitForJobs.Selector = d.jobs
	}
	if fs.Changed("wait-for-jobs-timeout") {
		if p.WaitForJobs == nil {
			return cli.Usagef("--wait-for-jobs-timeout is about jobs: add --wait-for-jobs")
		}
		p.WaitForJobs.Timeout = &metav1.Duration{Duration: d.jobsTimeout}
	}
	return nil
}
