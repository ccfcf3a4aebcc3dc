package rollout

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	core "github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/test/cluster/simnode"
)

// oneLine demands an error of one line that says all of words.
func (r *result) oneLine(t *testing.T, words ...string) {
	t.Helper()
	if r.stdout != "" || strings.Count(r.stderr, "\n") != 1 || !strings.HasPrefix(r.stderr, "error: ") {
		t.Errorf("want nothing but one line of error:\n%s%s", r.stdout, r.stderr)
	}
	for _, word := range words {
		if !strings.Contains(r.stderr, word) {
			t.Errorf("%q is not in: %s", word, r.stderr)
		}
	}
}

// bad is input that start refuses.
type bad struct {
	args  []string
	file  string // a policy, if any
	words []string
}

const policyHead = "apiVersion: kubectl-ds.github.io/v1alpha1\nkind: RolloutPolicy\n"

var badInput = map[string]bad{
	"a field that no policy has":            {file: policyHead + "maxUnavailble: 2\n", words: []string{"maxUnavailble", "maxUnavailable"}},
	"a gate that does two things":           {file: policyHead + "gates: [{name: g, when: afterNode, cel: 'true', pods: app=web}]\n", words: []string{"gates[0]", "instead of one"}},
	"a policy of another kind":              {file: "apiVersion: v1\nkind: ConfigMap\n", words: []string{"ConfigMap", "RolloutPolicy"}},
	"a policy that is no YAML":              {file: policyHead + "waves: [1\n", words: []string{"--policy"}},
	"a percentage above all":                {args: []string{"--max-unavailable", "120%"}, words: []string{"--max-unavailable", "120%", "100%"}},
	"a percentage of nothing":               {args: []string{"--max-unavailable", "0%"}, words: []string{"--max-unavailable", "0%"}},
	"a percentage in a file":                {file: policyHead + "maxUnavailable: 101%\n", words: []string{"maxUnavailable", "101%"}},
	"waves that shrink":                     {args: []string{"--waves", "5,3"}, words: []string{"--waves", "cumulative"}},
	"two changes":                           {args: []string{"--restart", "--to-revision", "1"}, words: []string{"--image", "--restart", "--to-revision"}},
	"a drain without a cordon":              {args: []string{"--drain", "--cordon=false"}, words: []string{"--cordon=false", "drain"}},
	"a flag of a drain without one":         {args: []string{"--delete-emptydir-data"}, words: []string{"--delete-emptydir-data", "--drain"}},
	"nodes by name and by label":            {args: []string{"--nodes", "a", "--node-selector", "x=y"}, words: []string{"--nodes", "nodeSelector"}},
	"a query without a server":              {args: []string{"--gate-promql", "up"}, words: []string{"--gate-promql", "--prometheus-url"}},
	"an expression that does not compile":   {args: []string{"--gate-cel", "node.metadata.name =="}, words: []string{"cel"}},
	"a node that does not exist":            {args: []string{"--nodes", "nowhere"}, words: []string{"nowhere"}},
	"a node to leave out that does not":     {args: []string{"--exclude-nodes", "nowhere"}, words: []string{"nowhere"}},
	"a selector that matches nothing":       {args: []string{"--node-selector", "pool=none"}, words: []string{"pool=none"}},
	"a canary that matches nothing":         {args: []string{"--canary-selector", "pool=none"}, words: []string{"pool=none"}},
	"a label to spread by that no node has": {args: []string{"--canary-spread", "none.such/pool"}, words: []string{"--canary-spread", "none.such/pool"}},
	"a label to order by that no node has":  {args: []string{"--order", "label=none.such/pool"}, words: []string{"--order", "none.such/pool"}},
	"a container that does not exist":       {args: []string{"--image", "agnet=x"}, words: []string{"agnet", "agent"}},
}

func TestBadInputIsRefusedBeforeAnythingIsWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2, worldOptions{})
	user := w.as(t, "user")
	for name, c := range badInput {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"--image", agent + "=" + newImage}, c.args...)
			if c.file != "" {
				path := filepath.Join(t.TempDir(), "policy.yaml")
				if err := os.WriteFile(path, []byte(c.file), 0o600); err != nil {
					t.Fatal(err)
				}
				args = append(args, "--policy", path)
			}
			w.run(t, 2, "start", args...).oneLine(t, c.words...)
		})
	}
	for name, c := range map[string]bad{
		"a DaemonSet of another name": {file: strings.ReplaceAll(w.yaml(newImage, ""), "name: agent,", "name: other,"), words: []string{"other", w.name + "/agent"}},
		"a changed selector":          {file: strings.ReplaceAll(w.yaml(newImage, ""), "matchLabels: {app: agent}", "matchLabels: {app: agent, tier: a}"), words: []string{"spec.selector"}},
		"a field that does not exist": {file: w.yaml(newImage, "  updateStratgy: {type: OnDelete}\n"), words: []string{"updateStratgy"}},
		"two objects":                 {file: w.yaml(newImage, "") + "---\n" + w.yaml(newImage, ""), words: []string{"2 objects"}},
	} {
		t.Run("a manifest with "+name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "agent.yaml")
			if err := os.WriteFile(path, []byte(c.file), 0o600); err != nil {
				t.Fatal(err)
			}
			w.run(t, 2, "start", "-f", path).oneLine(t, c.words...)
		})
	}
	t.Run("a revision that is gone", func(t *testing.T) {
		w.run(t, 2, "start", "--to-revision", "7").oneLine(t, "revision 7", "there is 1")
		w.run(t, 2, "undo", "--to-revision", "7").lastLine(t, "revision 7", "there is 1")
	})
	t.Run("a run that is not there", func(t *testing.T) {
		for _, verb := range []string{"resume", "takeover", "abort", "pause", "approve"} {
			w.run(t, 2, verb).oneLine(t, "no run of "+w.name+"/agent")
		}
	})
	w.wroteNothing(t, user)
	w.nothingLeft(t)
}

// lastLine is oneLine where a note may go before.
func (r *result) lastLine(t *testing.T, words ...string) {
	t.Helper()
	lines := strings.SplitAfter(strings.TrimSuffix(r.stderr, "\n"), "\n")
	last := *r
	last.stderr = lines[len(lines)-1] + "\n"
	last.oneLine(t, words...)
}

// TestAStoredRunThatIsNotOursIsRefused: state that somebody edited, that a newer
// version wrote, or that is of another cluster.
func TestAStoredRunThatIsNotOursIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 4, worldOptions{})
	w.run(t, 4, "start", fast(newImage, "--waves", "1,100%", "--pause-after", "canary")...)
	w.run(t, 0, "approve")
	edited := func(change func(run map[string]any)) func(string) string {
		return func(packed string) string {
			plain, err := kube.UnpackRun(packed)
			if err != nil {
				t.Fatal(err)
			}
			var run map[string]any
			if err := json.Unmarshal(plain, &run); err != nil {
				t.Fatal(err)
			}
			change(run)
			if plain, err = json.Marshal(run); err != nil {
				t.Fatal(err)
			}
			out, err := kube.PackRun(plain)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
	}
	user := w.as(t, "user")
	for name, c := range map[string]struct {
		change func(string) string
		words  []string
	}{
		"no run at all":             {spoil, []string{"cannot be read", "recover"}},
		"a field that no run has":   {edited(func(r map[string]any) { r["hook"] = "rm -rf /" }), []string{"hook", "recover"}},
		"a phase that is not known": {edited(func(r map[string]any) { r["phase"] = "Flying" }), []string{"Flying", "recover"}},
		"a command in the policy": {edited(func(r map[string]any) {
			r["policy"].(map[string]any)["gates"] = []any{map[string]any{"name": "g", "when": "afterNode", "exec": []string{"/bin/true"}}}
		}), []string{"never stored", "recover"}},
		"a newer version":   {edited(func(r map[string]any) { r["version"] = core.SchemaVersion + 1 }), []string{"newer version"}},
		"another cluster":   {edited(func(r map[string]any) { r["clusterUID"] = "00000000-0000-0000-0000-000000000000" }), []string{"another cluster"}},
		"another DaemonSet": {edited(func(r map[string]any) { r["uid"] = "00000000-0000-0000-0000-000000000000" }), []string{"made again"}},
	} {
		t.Run(name, func(t *testing.T) {
			before := w.rewrite(t, c.change)
			w.run(t, 2, "resume").oneLine(t, c.words...)
			w.wroteNothing(t, user)
			w.rewrite(t, func(string) string { return before })
		})
	}
	w.run(t, 0, "resume")
	w.all(t, newImage, 4)
	w.settled(t, simnode.Updated(4))
	w.nothingLeft(t)
}
