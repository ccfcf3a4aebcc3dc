package rollout

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// monday is when the tests run.
var monday = time.Date(2026, 11, 23, 15, 30, 0, 0, time.UTC)

// testApp is an app whose input is stdin.
func testApp(stdin string) *app {
	streams, in, _, _ := genericiooptions.NewTestIOStreams()
	in.WriteString(stdin)
	a := newApp(streams, "v1.2.3")
	a.clock = func() time.Time { return monday }
	a.terminal = func(io.Reader) bool { return false }
	a.hostname = func() (string, error) { return "laptop", nil }
	a.getenv = func(string) string { return "" }
	return a
}

// parse gives the options of plan for arguments; none of them asks a cluster.
func parse(t *testing.T, stdin string, args ...string) (*planCommand, error) {
	t.Helper()
	a := testApp(stdin)
	var got *planCommand
	cmd, err := makePlanCommand(a, func(_ context.Context, o *planCommand) error { got = o; return nil })
	if err != nil {
		t.Fatal(err)
	}
	a.kube.AddFlags(cmd.PersistentFlags())
	cmd.SetArgs(append([]string{"agent"}, args...))
	cmd.SetOut(io.Discard)
	cmd.SetErr(io.Discard)
	err = cmd.ExecuteContext(context.Background())
	return got, err
}

func policyOf(t *testing.T, stdin string, args ...string) *rollout.Policy {
	t.Helper()
	o, err := parse(t, stdin, args...)
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return o.Policy
}

func seconds(n int) *metav1.Duration {
	return &metav1.Duration{Duration: time.Duration(n) * time.Second}
}

func builtin(names ...string) []rollout.Gate {
	var out []rollout.Gate
	for _, n := range names {
		out = append(out, rollout.Gate{Name: n, When: rollout.AfterNode, Probe: rollout.Probe{Builtin: rollout.BuiltinGate(n)}})
	}
	return out
}

func TestFlagsBecomeAPolicy(t *testing.T) {
	five, yes, grace := intstr.FromString("5%"), true, int32(30)
	none := []string{"--gate", "none"}
	for _, c := range []struct {
		name string
		args []string
		want rollout.Policy
	}{
		{"nothing asked has the built-in gates and nothing else", nil, rollout.Policy{Gates: builtin("collateral", "events", "conditions")}},
		{"none turns them off", none, rollout.Policy{}},
		{"some of them", []string{"--gate", "events,conditions"}, rollout.Policy{Gates: builtin("events", "conditions")}},
		{"pace", append([]string{"--max-unavailable", "5%", "--max-parallel", "2", "--waves", "3,5%,100%", "--pause-after", "wave"}, none...), rollout.Policy{
			Pace: rollout.Pace{MaxUnavailable: &five, MaxParallel: 2, PauseAfter: rollout.PauseWave,
				Waves: []intstr.IntOrString{intstr.FromInt32(3), five, intstr.FromString("100%")}},
		}},
		{"selection", append([]string{"--canary-selector", "canary=true", "--canary-spread", "zone,pool", "--order", "zone,-age", "--one-zone-at-a-time",
			"--nodes", "a,node/b", "--exclude-nodes", "c"}, none...), rollout.Policy{
			Selection: rollout.Selection{CanarySelector: "canary=true", CanarySpread: []string{"zone", "pool"}, Order: []string{"zone", "-age"},
				OneZoneAtATime: &yes, Nodes: []string{"a", "b"}, ExcludeNodes: []string{"c"}},
		}},
		{"a selector for nodes", append([]string{"--node-selector", "pool=gpu"}, none...), rollout.Policy{Selection: rollout.Selection{NodeSelector: "pool=gpu"}}},
		{"times", append([]string{"--soak", "2m", "--node-timeout", "5m", "--timeout", "8h", "--until", "17:00Z", "--window", "Mon-Fri 22:00-06:00 Europe/Berlin"}, none...), rollout.Policy{
			Timing: rollout.Timing{Soak: seconds(120), NodeTimeout: seconds(300), Timeout: seconds(8 * 3600),
				Until: &metav1.Time{Time: monday.Add(90 * time.Minute)}, Windows: []string{"Mon-Fri 22:00-06:00 Europe/Berlin"}},
		}},
		{"a timeout of 0 is none", append([]string{"--timeout", "0"}, none...), rollout.Policy{}},
		{"failures", append([]string{"--max-unavailable", "5%", "--max-failures", "1", "--on-failure", "undo", "--fence-broken"}, none...), rollout.Policy{
			Pace: rollout.Pace{MaxUnavailable: &five}, Failing: rollout.Failing{MaxFailures: 1, OnFailure: rollout.FailUndo, FenceBroken: true},
		}},
		{"what is accepted", append([]string{"--allow-owner", "argocd,helm", "--accept-gap", "--hand-back", "--act-on-not-ready"}, none...), rollout.Policy{
			Acceptance: rollout.Acceptance{AllowOwner: []string{"argocd", "helm"}, AcceptGap: true, HandBack: true, ActOnNotReady: true},
		}},
		{"around a pod", append([]string{"--drain", "--grace-period", "30", "--drain-timeout", "5m", "--delete-emptydir-data", "--force", "--pod-selector", "a=b",
			"--wait-for-jobs", "job-name", "--wait-for-jobs-timeout", "1h"}, none...), rollout.Policy{
			PerNode: rollout.PerNode{Drain: &rollout.Drain{GracePeriodSeconds: &grace, Timeout: seconds(300), DeleteEmptyDirData: true, Force: true, PodSelector: "a=b"},
				WaitForJobs: &rollout.WaitForJobs{Selector: "job-name", Timeout: seconds(3600)}},
		}},
		{"a cordon alone", append([]string{"--cordon"}, none...), rollout.Policy{PerNode: rollout.PerNode{Cordon: true}}},
		{"gates of all kinds, at two moments", append([]string{
			"--gate-exec", `./check.sh "two words"`, "--gate-http", "https://x/healthz", "--gate-promql", "up == 1", "--prometheus-url", "http://prom:9090",
			"--gate-cel", "true", "--gate-cel", "node.ready", "--gate-when", "before-wave,after-node", "--gate-timeout", "5s", "--gate-retries", "2", "--gate-interval", "1s",
		}, none...), rollout.Policy{Gates: gatesOfAllKinds()}},
		{"gates that look at a node", append([]string{"--gate-pods", "app=db", "--gate-daemonset", "kube-system/proxy"}, none...), rollout.Policy{Gates: []rollout.Gate{
			{Name: "pods", When: rollout.AfterNode, Probe: rollout.Probe{Pods: "app=db"}},
			{Name: "daemonset", When: rollout.AfterNode, Probe: rollout.Probe{DaemonSet: "kube-system/proxy"}},
		}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(&c.want, policyOf(t, "", c.args...)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func gatesOfAllKinds() []rollout.Gate {
	var out []rollout.Gate
	for _, w := range []struct {
		when   rollout.When
		suffix string
	}{{rollout.BeforeWave, "-before-wave"}, {rollout.AfterNode, ""}} {
		add := func(name string, p rollout.Probe) {
			out = append(out, rollout.Gate{Name: name, When: w.when, Timeout: seconds(5), Interval: seconds(1), Retries: 2, Probe: p})
		}
		add("exec"+w.suffix, rollout.Probe{Exec: []string{"./check.sh", "two words"}})
		add("http"+w.suffix, rollout.Probe{HTTP: "https://x/healthz"})
		add("promql"+w.suffix, rollout.Probe{PromQL: &rollout.PromQL{URL: "http://prom:9090", Query: "up == 1"}})
		add("cel"+w.suffix, rollout.Probe{CEL: "true"})
		add("cel"+w.suffix+"-2", rollout.Probe{CEL: "node.ready"})
	}
	return out
}

const head = "apiVersion: kubectl-ds.github.io/v1alpha1\nkind: RolloutPolicy\n"

func TestFlagsOverrideAFile(t *testing.T) {
	two, file := intstr.FromInt32(2), head+`
# of the network team
maxUnavailable: 5%
waves: [1, 100%]
soak: 1m
drain: {force: true}
gates:
- {name: probe, when: beforeNode, cel: "true"}
`
	got := policyOf(t, file, "--policy", "-", "--max-unavailable", "2", "--drain=false", "--gate-cel", "1 == 1")
	want := &rollout.Policy{
		TypeMeta: metav1.TypeMeta{APIVersion: "kubectl-ds.github.io/v1alpha1", Kind: "RolloutPolicy"},
		Pace:     rollout.Pace{MaxUnavailable: &two, Waves: []intstr.IntOrString{intstr.FromInt32(1), intstr.FromString("100%")}},
		Timing:   rollout.Timing{Soak: seconds(60)},
		Gates: append(builtin("collateral", "events", "conditions"),
			rollout.Gate{Name: "probe", When: rollout.BeforeNode, Probe: rollout.Probe{CEL: "true"}},
			rollout.Gate{Name: "cel", When: rollout.AfterNode, Probe: rollout.Probe{CEL: "1 == 1"}}),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAFileDecidesOnBuiltInGatesWhereItNamesThem(t *testing.T) {
	for body, want := range map[string]string{
		"soak: 1m\n": "collateral events conditions",
		"gates: []":  "",
		"gates: [{name: probe, when: afterNode, cel: 'true'}]":           "collateral events conditions probe",
		"gates: [{name: mine, when: afterNode, builtin: collateral}]":    "mine",
		"gates: [{name: collateral, when: afterNode, cel: 'true'}]":      "collateral-2 events conditions collateral",
		"gates: [{name: probe, when: afterNode, http: 'https://x/y'}]\n": "collateral events conditions probe",
	} {
		var names []string
		for _, g := range policyOf(t, head+body, "--policy", "-").Gates {
			names = append(names, g.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: got %q, want %q", body, got, want)
		}
	}
}

func TestBadPoliciesAreUsageErrors(t *testing.T) {
	dir := t.TempDir()
	file := func(name, body string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--max-unavailable", "0"}, `^--max-unavailable: 0 is less than 1`},
		{[]string{"--max-unavailable", "101%"}, `^--max-unavailable: "101%" is not between`},
		{[]string{"--max-unavailable", "half"}, `^--max-unavailable: "half" is neither`},
		{[]string{"--max-unavailable", ""}, `^--max-unavailable takes a number`},
		{[]string{"--max-unavailable", "2", "--max-parallel", "3"}, `^--max-parallel: 3 in flight`},
		{[]string{"--max-failures", "1", "--max-unavailable", "1"}, `^--max-failures: 1 failed nodes fill`},
		{[]string{"--waves", "5,3"}, `^--waves: 3 is not more than 5`},
		{[]string{"--nodes", "a", "--exclude-nodes", "a"}, `^--exclude-nodes: "a" is in nodes, too`},
		{[]string{"--nodes", "a", "--node-selector", "b"}, `^--nodes: it names nodes while nodeSelector`},
		{[]string{"--nodes", "a,a"}, `^--nodes: "a" is there twice$`},
		{[]string{"--nodes", "pod/a"}, `^--nodes: "pod/a" is not the name of a node`},
		{[]string{"--order", "zone,lunch"}, `^--order: "lunch" is not one of`},
		{[]string{"--node-selector", "!!"}, `^--node-selector: `},
		{[]string{"--soak", "-1s"}, `^--soak: -1s is negative`},
		{[]string{"--soak", "-1s", "--waves", "0"}, `^--waves: 0 is less than 1.*; --soak: -1s is negative$`},
		{[]string{"--node-timeout", "0"}, `^--node-timeout: 0s is not more than 0`},
		{[]string{"--until", "17:00"}, `^--until takes a time with its zone`},
		{[]string{"--until", "2026-11-23T15:00:00Z"}, `^--until 2026-11-23T15:00:00Z is over`},
		{[]string{"--until", "17:00 Mars/Base"}, `"Mars/Base" is not a time zone; it takes a name of the IANA database, as Europe/Berlin, `},
		{[]string{"--window", "Mon-Fri 09:00-17:00"}, `^--window: .*names no time zone`},
		{[]string{"--window", "Mon-Fri 09:00-17:00 Mars/Base"}, `^--window "Mon-Fri 09:00-17:00 Mars/Base": "Mars/Base" is not a time zone`},
		{[]string{"--window", "Mon-Fri 09:00-17:00 Local"}, `"Local" is not a time zone`},
		{[]string{"--on-failure", "rollback"}, `^--on-failure takes pause, hold, undo, abort, not "rollback"`},
		{[]string{"--pause-after", "cannary"}, `^--pause-after takes .* \(did you mean "canary"\?\)`},
		{[]string{"--force"}, `^--force is about a drain: add --drain`},
		{[]string{"--drain=false", "--grace-period", "3"}, `^--grace-period is about a drain`},
		{[]string{"--drain", "--cordon=false"}, `^--cordon=false contradicts a drain`},
		{[]string{"--drain", "--pod-selector", "!!"}, `^--pod-selector: `},
		{[]string{"--drain", "--drain-timeout", "-1s"}, `^--drain-timeout: -1s is negative`},
		{[]string{"--wait-for-jobs", ""}, `^--wait-for-jobs takes a label selector`},
		{[]string{"--wait-for-jobs-timeout", "1m"}, `add --wait-for-jobs`},
		{[]string{"--gate", "eventz"}, `^--gate takes collateral.* \(did you mean "events"\?\)`},
		{[]string{"--gate", "none,events"}, `^--gate none goes with no other`},
		{[]string{"--gate", "events,events"}, `"events" is there twice`},
		{[]string{"--gate-when", "lunch"}, `^--gate-when takes before-wave`},
		{[]string{"--gate-when", "before-node"}, `^--gate-when is about gates of flags: add one`},
		{[]string{"--gate", "events", "--gate-when", "before-node"}, `^--gate-when is about gates of flags: add one`},
		{[]string{"--gate-promql", "up"}, `go together`},
		{[]string{"--prometheus-url", "http://x"}, `go together`},
		{[]string{"--gate-promql", "up", "--prometheus-url", "prom:9090"}, `^gate promql: "prom:9090" is not a URL`},
		{[]string{"--gate-http", "ftp://x"}, `^gate http: "ftp://x" is not a URL`},
		{[]string{"--gate-exec", "a 'b"}, `^--gate-exec "a 'b": a quote or backslash is not closed`},
		{[]string{"--gate-exec", " "}, `^--gate-exec takes what to look at`},
		{[]string{"--gate-daemonset", "proxy"}, `^--gate-daemonset: "proxy" is not namespace/name`},
		{[]string{"--gate-pods", "a", "--gate-when", "before-wave"}, `^--gate-when: "pods-before-wave" looks at one node, and before a wave there is none`},
		{[]string{"--gate-timeout", "-1s"}, `^--gate-timeout: -1s is not more than 0$`},
		{[]string{"--gate-retries", "-1"}, `^--gate-retries: -1 is negative$`},
		{[]string{"--gate-pods", "!!", "--waves", "0"}, `--waves: .*; --gate-pods: unable`},
		{[]string{"--policy", file("pods.yaml", head+"gates: [{name: g, when: afterNode, pods: '!!'}]\n")}, `policy: gates\[0\].pods: `},
		{[]string{"--policy", filepath.Join(dir, "none.yaml")}, `^--policy .*none.yaml: file does not exist$`},
		{[]string{"--policy", file("unknown.yaml", head+"maxUnavailabel: 1\n")}, `maxUnavailabel: unknown field; is it maxUnavailable\?`},
		{[]string{"--policy", file("twice.yaml", head+"soak: 1m\nsoak: 2m\n")}, `already set|duplicate`},
		{[]string{"--policy", file("two.yaml", head+"---\n"+head)}, `more than one document`},
		{[]string{"--policy", file("empty.yaml", "# nothing\n---\n")}, `it is empty`},
		{[]string{"--policy", file("kind.yaml", "kind: Deployment\n")}, `"Deployment" is not RolloutPolicy`},
		{[]string{"--policy", file("range.yaml", head+"maxUnavailable: 0\n")}, `policy: maxUnavailable: 0 is less than 1`},
		{[]string{"--policy", file("url.yaml", head+"gates: [{name: g, when: afterNode, http: 'x'}]\n")}, `^gate g: "x" is not a URL`},
		{[]string{"--policy", "-", "-f", "-"}, `^--policy and --filename both read standard input`},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			_, err := parse(t, "", c.args...)
			var exit *cli.ExitError
			switch {
			case !errors.As(err, &exit) || exit.Code != cli.Usage:
				t.Errorf("got %v, want an error of usage", err)
			case !regexp.MustCompile(c.want).MatchString(err.Error()):
				t.Errorf("got  %s\nwant %s", err, c.want)
			}
		})
	}
}

func TestUntilIsTheNextTimeThatAClockShowsIt(t *testing.T) {
	for s, want := range map[string]string{
		"17:00Z":                    "2026-11-23T17:00:00Z",
		"15:30Z":                    "2026-11-24T15:30:00Z",
		"17:00+01:00":               "2026-11-23T16:00:00Z",
		"00:30 Europe/Berlin":       "2026-11-23T23:30:00Z",
		"2026-12-01T08:00+01:00":    "2026-12-01T07:00:00Z",
		"2026-12-01T08:00:30-05:00": "2026-12-01T13:00:30Z",
	} {
		got, err := parseUntil(s, monday)
		if err != nil || got.Format(time.RFC3339) != want {
			t.Errorf("%s: got %s, %v, want %s", s, got, err, want)
		}
	}
}

func TestCommandsBecomeWords(t *testing.T) {
	for s, want := range map[string][]string{
		"a b  c": {"a", "b", "c"}, `a "b c"d`: {"a", "b cd"}, `'a "b'`: {`a "b`}, `a\ b`: {"a b"}, `'' x`: {"", "x"},
		`echo $HOME;rm`: {"echo", "$HOME;rm"}, `"a\"b"`: {`a"b`}, `'a\b'`: {`a\b`},
	} {
		got, err := splitWords(s, false)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", s, err, diff)
		}
	}
	for s, want := range map[string][]string{
		`C:\tools\check.exe prod`: {`C:\tools\check.exe`, "prod"}, `"C:\Program Files\x.exe" 'a "b'`: {`C:\Program Files\x.exe`, `a "b`}, `\\host\x`: {`\\host\x`},
	} {
		got, err := splitWords(s, true)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("on Windows, %s: %v %s", s, err, diff)
		}
	}
}

// Every field of a policy has a flag, but for parts of gates, which differ
// from gate to gate.
func TestEveryFieldHasItsFlag(t *testing.T) {
	a := testApp("")
	cmd, err := newPlanCommand(a)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{
		"maxUnavailable", "maxParallel", "waves", "pauseAfter", "canarySelector", "canarySpread", "order", "oneZoneAtATime",
		"nodeSelector", "nodes", "excludeNodes", "soak", "nodeTimeout", "timeout", "until", "windows", "maxFailures",
		"onFailure", "fenceBroken", "allowOwner", "acceptGap", "actOnNotReady", "handBack", "cordon", "drain",
		"drain.timeout", "drain.force", "drain.podSelector", "waitForJobs", "waitForJobs.timeout", "waitForJobs.selector",
	} {
		flag := cmd.Flags().Lookup(flagOf(f))
		if flag == nil {
			t.Errorf("%s has no flag --%s", f, flagOf(f))
		} else if flag.Usage == "" || !strings.HasSuffix(flag.Usage, ".") {
			t.Errorf("--%s: its usage %q should end with a dot", flag.Name, flag.Usage)
		}
	}
}
