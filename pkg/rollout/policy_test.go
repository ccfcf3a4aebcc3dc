package rollout

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/intstr"
)

const head = `{"apiVersion": "kubectl-ds.github.io/v1alpha1", "kind": "RolloutPolicy"`

func TestPolicyErrorsNameTheirField(t *testing.T) {
	cases := []struct{ name, body, want string }{
		{"another kind", `{"apiVersion": "kubectl-ds.github.io/v1alpha1", "kind": "Policy"}`, `kind: "Policy" is not RolloutPolicy`},
		{"another version", `{"apiVersion": "v2", "kind": "RolloutPolicy"}`, `apiVersion: "v2" is not`},
		{"no JSON", `{`, "unexpected end of JSON input"},
		{"something after it", head + `} {}`, "invalid character"},
		{"an unknown field", head + `, "maxUnavailabel": 1}`, "maxUnavailabel: unknown field; is it maxUnavailable?"},
		{"an unknown field below", head + `, "drain": {"forse": true}}`, "drain.forse: unknown field; is it force?"},
		{"a field in other letters", head + `, "MaxUnavailable": 1}`, "MaxUnavailable: unknown field; is it maxUnavailable?"},
		{"a field below in other letters", head + `, "gates": [{"name": "g", "promQL": {}}]}`, "gates[0].promQL: unknown field; is it promql?"},
		{"a field twice", head + `, "cordon": true, "cordon": false}`, `duplicate field "cordon"`},
		{"a field like nothing", head + `, "colour": "red"}`, "colour: unknown field"},
		{"a wrong type", head + `, "maxFailures": "two"}`, "policy: maxFailures: a string does not fit here"},
		{"a list where there is one", head + `, "maxUnavailable": [1]}`, "policy: maxUnavailable: an array does not fit here"},
		{"a wrong type in a gate", head + `, "gates": [{"name": "g", "http": {"url": "x"}}]}`, "policy: gates.http: an object does not fit here"},
		{"a soak that is no duration", head + `, "maxFailures": 1, "soak": "for ever"}`, `policy: soak: "for ever" is not a duration, as in 30s or 5m`},
		{"a soak without a unit", head + `, "soak": 10}`, "policy: soak: 10 is not a duration"},
		{"a gate's interval without a unit", head + `, "gates": [{"name": "a", "interval": "5s"}, {"name": "b", "interval": "5"}]}`, `policy: gates[1].interval: "5" is not a duration`},
		{"a time of day", head + `, "until": "17:00Z"}`, `policy: until: "17:00Z" is not a time, as in 2026-11-23T17:00:00Z`},
		{"zero unavailable", head + `, "maxUnavailable": 0}`, "maxUnavailable: 0 is less than 1"},
		{"too many percent", head + `, "maxUnavailable": "101%"}`, `maxUnavailable: "101%" is not between 1% and 100%`},
		{"half a percent", head + `, "maxUnavailable": "0.5%"}`, `maxUnavailable: "0.5%" is neither`},
		{"no percent", head + `, "waves": ["many"]}`, `waves[0]: "many" is neither`},
		{"waves that shrink", head + `, "waves": [3, 2]}`, "waves[1]: 2 is not more than 3: waves are cumulative"},
		{"more parallel than may be down", head + `, "maxUnavailable": 2, "maxParallel": 3}`, "maxParallel: 3 in flight"},
		{"failures that fill the ceiling", head + `, "maxUnavailable": 1, "maxFailures": 1}`, "maxFailures: 1 failed nodes fill maxUnavailable 1"},
		{"negative failures", head + `, "maxFailures": -1}`, "maxFailures: -1 is negative"},
		{"an unknown place to pause", head + `, "pauseAfter": "lunch"}`, `pauseAfter: "lunch" is not one of`},
		{"an unknown end", head + `, "onFailure": "rollback"}`, `onFailure: "rollback" is not one of`},
		{"an unknown order", head + `, "order": ["zone,-age"]}`, `order: "zone,-age" is not one of`},
		{"an order there twice", head + `, "order": ["zone", "-zone"]}`, `order: "-zone" is there twice`},
		{"a selector that does not parse", head + `, "nodeSelector": "a in"}`, "nodeSelector:"},
		{"nodes and a selector", head + `, "nodes": ["a"], "nodeSelector": "b"}`, "nodes: it names nodes while nodeSelector"},
		{"a node in and out", head + `, "nodes": ["a"], "excludeNodes": ["a"]}`, `excludeNodes: "a" is in nodes, too`},
		{"a node with a line end", head + `, "nodes": ["a\r"]}`, "nodes[0]:"},
		{"a negative soak", head + `, "soak": "-1s"}`, "soak: -1s is negative"},
		{"no node timeout", head + `, "nodeTimeout": "0s"}`, "nodeTimeout: 0s is not more than 0"},
		{"a window without a zone", head + `, "windows": ["Mon-Fri 09:00-17:00"]}`, "windows[0]: \"Mon-Fri 09:00-17:00\" names no time zone"},
		{"a window of no day", head + `, "windows": ["Someday 09:00-17:00 UTC"]}`, `"Someday" is not a day`},
		{"jobs without a selector", head + `, "waitForJobs": {"selector": ""}}`, "waitForJobs.selector: is empty"},
		{"a gate without a name", head + `, "gates": [{"when": "afterNode", "cel": "true"}]}`, "gates[0].name:"},
		{"a gate of no moment", head + `, "gates": [{"name": "g", "cel": "true"}]}`, "gates[0].when:"},
		{"a gate that asks nothing", head + `, "gates": [{"name": "g", "when": "afterNode"}]}`, "gates[0]: \"g\" has 0 of exec"},
		{"a gate that asks twice", head + `, "gates": [{"name": "g", "when": "afterNode", "cel": "true", "http": "https://x"}]}`, "has 2 of exec"},
		{"a gate on a node before a wave", head + `, "gates": [{"name": "g", "when": "beforeWave", "pods": "a=b"}]}`, "before a wave there is none"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := DecodePolicy([]byte(c.body))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestPolicyWithEveryFieldDecodes(t *testing.T) {
	body := head + `,
	"maxUnavailable": "5%", "maxParallel": 3, "waves": [1, "5%", "100%"], "pauseAfter": "canary",
	"canarySelector": "canary=true", "canarySpread": ["zone", "arch", "pool"], "order": ["zone", "-age", "label=pool", "fewest-pods", "name"],
	"oneZoneAtATime": true, "nodeSelector": "pool=gpu", "excludeNodes": ["a"],
	"soak": "2m", "nodeTimeout": "5m", "timeout": "8h", "until": "2026-11-23T17:00:00Z", "windows": ["Mon-Fri 22:00-06:00 Europe/Berlin"],
	"maxFailures": 1, "onFailure": "undo", "fenceBroken": true,
	"allowOwner": ["argocd"], "acceptGap": true, "actOnNotReady": true, "handBack": true,
	"cordon": true, "drain": {"gracePeriodSeconds": 30, "timeout": "3m", "deleteEmptyDirData": true, "force": true, "podSelector": "a=b"},
	"waitForJobs": {"selector": "job", "timeout": "1h"},
	"gates": [{"name": "a", "when": "afterNode", "timeout": "10s", "retries": 2, "interval": "5s", "exec": ["/bin/true"]},
	  {"name": "b", "when": "beforeNode", "ownPod": true, "promql": {"url": "https://p", "query": "up"}},
	  {"name": "c", "when": "afterNode", "builtin": "collateral"}, {"name": "d", "when": "afterNode", "daemonSet": "kube-system/cilium"}]}`
	p, err := DecodePolicy([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(p, p.DeepCopy()); d != "" {
		t.Errorf("a copy differs:\n%s", d)
	}
	if g := p.WithoutCommands().Gates; len(g[0].Exec) > 0 || g[1].PromQL != nil || g[2].Builtin != GateCollateral {
		t.Errorf("stored gates hold what they run: %+v", g)
	}
}

// What is shown as the ceiling, and as how many at a time, is a number of nodes
// that are there.
func TestTheCeilingIsNotMoreThanTheScope(t *testing.T) {
	for _, c := range []struct {
		unavailable    string
		parallel       int32
		scope          int
		ceiling, flies int
	}{{"3", 0, 10, 3, 3}, {"1000", 0, 10, 10, 10}, {"1000", 900, 10, 10, 10}, {"25%", 1, 10, 3, 1}, {"100%", 0, 0, 1, 1}, {"5", 4, 0, 1, 1}} {
		v := intstr.Parse(c.unavailable)
		p := &Policy{Pace: Pace{MaxUnavailable: &v, MaxParallel: c.parallel}}
		if a, b := p.Ceiling(c.scope), p.Parallel(c.scope); a != c.ceiling || b != c.flies {
			t.Errorf("%+v: ceiling %d, in flight %d", c, a, b)
		}
	}
}

func TestPolicyDefaultsAreThoseOfTheDocumentation(t *testing.T) {
	p := (&Policy{}).WithDefaults(Context{Nodes: 50, Archs: 2, Terminal: true})
	if p.MaxUnavailable.String() != "1" || p.Parallel(50) != 1 || p.Soak.Duration != 10*time.Second || p.NodeTimeout.Duration != 10*time.Minute ||
		p.MaxFailures != 0 || p.OnFailure != FailPause || p.Cordon || p.Drain != nil || *p.OneZoneAtATime {
		t.Errorf("defaults: %+v", p)
	}
	if len(p.Waves) != 2 || p.Waves[0].IntVal != 2 || p.Waves[1].StrVal != "100%" {
		t.Errorf("the first wave has a node for each architecture: %v", p.Waves)
	}
	for _, c := range []struct {
		c    Context
		want PauseAfter
	}{{Context{Nodes: 21, Terminal: true}, PauseCanary}, {Context{Nodes: 20, Terminal: true}, PauseNone}, {Context{Nodes: 99}, PauseNone}} {
		if got := (&Policy{}).WithDefaults(c.c).PauseAfter; got != c.want {
			t.Errorf("%+v pauses after %q, want %q", c.c, got, c.want)
		}
	}
	if z := (&Policy{Selection: Selection{Order: []string{"-zone"}}}).WithDefaults(Context{}); !*z.OneZoneAtATime {
		t.Error("a leading zone implies one zone at a time")
	}
}

// The hints know every name of the file.
func TestPolicyFieldsAreAllKnown(t *testing.T) {
	seen := map[string]bool{}
	var walk func(reflect.Type)
	walk = func(typ reflect.Type) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || strings.Contains(typ.PkgPath(), "k8s.io") && typ.Name() != "TypeMeta" {
			return
		}
		for i := range typ.NumField() {
			f := typ.Field(i)
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
				seen[name] = true
			}
			walk(f.Type)
		}
	}
	walk(reflect.TypeFor[Policy]())
	for name := range seen {
		if !slices.Contains(policyFields, name) {
			t.Errorf("policyFields lacks %s", name)
		}
	}
	for _, name := range policyFields {
		if !seen[name] {
			t.Errorf("policyFields has %s, which no policy has", name)
		}
	}
}

func TestWindows(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	cases := []struct {
		window, now string
		open        bool
		next        string
	}{
		{"Mon-Fri 09:00-17:00 UTC", "2026-11-23T10:00:00Z", true, ""}, // a Monday
		{"Mon-Fri 09:00-17:00 UTC", "2026-11-23T17:00:00Z", false, "2026-11-24T09:00:00Z"},
		{"Mon-Fri 09:00-17:00 UTC", "2026-11-28T10:00:00Z", false, "2026-11-30T09:00:00Z"},
		{"Sun,Mon 22:00-06:00 UTC", "2026-11-24T05:59:00Z", true, ""},
		{"Sun,Mon 22:00-06:00 UTC", "2026-11-24T06:00:00Z", false, "2026-11-29T22:00:00Z"},
		{"Sat-Mon 00:00-12:00 UTC", "2026-11-22T11:00:00Z", true, ""},
	}
	for _, c := range cases {
		w, err := ParseWindow(c.window)
		if err != nil {
			t.Fatal(err)
		}
		open, next := w.Open(at(c.now), time.UTC)
		if open != c.open || !open && !next.Equal(at(c.next)) {
			t.Errorf("%s at %s: open %v, next %s", c.window, c.now, open, next)
		}
	}
}
