package faultproxy_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubectl-ds/kubectl-ds/test/faultproxy"
)

// backend counts what reaches it. A watch gets a line every 20 ms until the
// client is gone.
type backend struct {
	*httptest.Server
	hits    atomic.Int64
	agents  atomic.Value
	watches atomic.Int64 // that are open
}

func newBackend(t *testing.T) *backend {
	t.Helper()
	b := &backend{}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.hits.Add(1)
		b.agents.Store(r.UserAgent())
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Query().Get("watch") == "" {
			_, _ = fmt.Fprintf(w, `{"kind":"Pod","apiVersion":"v1","metadata":{"name":%q}}`, r.Method)
			return
		}
		b.watches.Add(1)
		defer b.watches.Add(-1)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			_, _ = fmt.Fprintf(w, "%d %d\n", i, time.Now().UnixMilli())
			_ = http.NewResponseController(w).Flush()
			select {
			case <-r.Context().Done():
				return
			case <-tick.C:
			}
		}
	}))
	t.Cleanup(b.Close)
	return b
}

// client is what a plugin has: the kubeconfig, and nothing else.
func client(t *testing.T, b *backend, seed uint64) (*faultproxy.Proxy, *http.Client) {
	t.Helper()
	p, err := faultproxy.NewSeeded(&rest.Config{Host: b.URL}, seed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	path, err := p.Kubeconfig(t.TempDir(), "test")
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		t.Fatal(err)
	}
	config.UserAgent = "kubectl-ds"
	c, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	return p, c
}

func send(t *testing.T, c *http.Client, method, url string) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c.Do(req)
}

// code of an answer; 0 where there is none.
func code(t *testing.T, c *http.Client, method, url string) int {
	t.Helper()
	resp, err := send(t, c, method, url)
	if err != nil {
		return 0
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return 0
	}
	return resp.StatusCode
}

const pod = "/api/v1/namespaces/ns/pods/p"

func TestWithoutRulesNothingIsInTheWay(t *testing.T) {
	b := newBackend(t)
	p, c := client(t, b, 1)
	if got := code(t, c, http.MethodGet, p.URL()+pod); got != http.StatusOK || b.hits.Load() != 1 || b.agents.Load() != "kubectl-ds" {
		t.Errorf("code %d, %d requests, agent %v", got, b.hits.Load(), b.agents.Load())
	}
}

func TestADroppedAnswerWasCommittedAndADroppedRequestWasNot(t *testing.T) {
	b := newBackend(t)
	p, c := client(t, b, 1)
	answer := p.Add(faultproxy.Rule{Verb: "delete", Path: "/pods/", Name: "p", Count: 1, Fault: faultproxy.DropAnswer{}})
	request := p.Add(faultproxy.Rule{Verb: "patch,update", Count: 1, Fault: faultproxy.DropRequest{}})
	for _, step := range []struct {
		method string
		code   int
		hits   int64
	}{
		{http.MethodGet, 200, 1},
		{http.MethodDelete, 0, 2},
		{http.MethodDelete, 200, 3},
		{http.MethodPatch, 0, 3},
		{http.MethodPut, 200, 4},
	} {
		if got := code(t, c, step.method, p.URL()+pod); got != step.code || b.hits.Load() != step.hits {
			t.Errorf("%s: code %d, want %d; %d requests so far, want %d", step.method, got, step.code, b.hits.Load(), step.hits)
		}
	}
	if answer.Hits() != 1 || request.Hits() != 1 {
		t.Errorf("hits are %d and %d", answer.Hits(), request.Hits())
	}
}

func TestABurstOfErrorsStartsAndEndsWhereItIsTold(t *testing.T) {
	b := newBackend(t)
	p, c := client(t, b, 1)
	p.Add(faultproxy.Rule{Verb: "get", Skip: 1, Count: 2, Fault: faultproxy.Answer{Code: 429, RetryAfter: "7"}})
	p.Add(faultproxy.Rule{Verb: "list", Count: 1, Fault: faultproxy.Answer{Code: 503}})
	var got []int
	for range 4 {
		resp, err := send(t, c, http.MethodGet, p.URL()+pod)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		got = append(got, resp.StatusCode)
		if want := map[bool]string{true: "7"}[resp.StatusCode == 429]; resp.Header.Get("Retry-After") != want {
			t.Errorf("code %d with Retry-After %q", resp.StatusCode, resp.Header.Get("Retry-After"))
		}
	}
	if fmt.Sprint(got) != "[200 429 429 200]" || b.hits.Load() != 2 {
		t.Errorf("codes %v, %d requests reached the server", got, b.hits.Load())
	}
	if code(t, c, http.MethodGet, p.URL()+"/api/v1/nodes") != 503 || code(t, c, http.MethodGet, p.URL()+"/apis/apps/v1/namespaces/x/daemonsets") != 200 {
		t.Error("a list is not matched as one")
	}
}

func TestClientGoUnderstandsTheAnswers(t *testing.T) {
	b := newBackend(t)
	p, err := faultproxy.New(&rest.Config{Host: b.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	path, err := p.Kubeconfig(t.TempDir(), "test")
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		t.Fatal(err)
	}
	k, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	rule := p.Add(faultproxy.Rule{Fault: faultproxy.Answer{Code: http.StatusForbidden}})
	if _, err := k.CoreV1().Pods("ns").Get(t.Context(), "p", metav1.GetOptions{}); err == nil || !strings.Contains(err.Error(), "made by the fault proxy") {
		t.Errorf("the error is %v", err)
	}
	rule.Remove()
	if got, err := k.CoreV1().Pods("ns").Get(t.Context(), "p", metav1.GetOptions{}); err != nil || got.Name != "GET" {
		t.Errorf("without the rule: %v, %v", got, err)
	}
}

func TestChanceIsTheSeeds(t *testing.T) {
	run := func(seed uint64) string {
		b := newBackend(t)
		p, c := client(t, b, seed)
		p.Add(faultproxy.Rule{Chance: 0.5, Fault: faultproxy.Answer{Code: 500}})
		var out strings.Builder
		for range 40 {
			fmt.Fprint(&out, code(t, c, http.MethodGet, p.URL()+pod), " ")
		}
		return out.String()
	}
	a := run(7)
	if a != run(7) || a == run(8) || !strings.Contains(a, "500") || !strings.Contains(a, "200") {
		t.Errorf("seed 7 gives %s", a)
	}
}

func TestDelays(t *testing.T) {
	b := newBackend(t)
	p, c := client(t, b, 1)
	const by = 150 * time.Millisecond
	before := p.Add(faultproxy.Rule{Fault: faultproxy.Delay{Before: by}})
	began := time.Now()
	if got := code(t, c, http.MethodGet, p.URL()+pod); got != 200 || time.Since(began) < by {
		t.Errorf("code %d after %s", got, time.Since(began))
	}
	before.Remove()
	p.Add(faultproxy.Rule{Fault: faultproxy.Delay{After: time.Hour}})
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodDelete, p.URL()+pod, nil)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() {
		resp, err := c.Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		ended <- err
	}()
	eventually(t, "the request to reach the server", func() bool { return b.hits.Load() == 2 })
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the answer came before its time: %v", err)
	}
}

func watch(t *testing.T, c *http.Client, p *faultproxy.Proxy) *http.Response {
	t.Helper()
	resp, err := send(t, c, http.MethodGet, p.URL()+"/api/v1/pods?watch=true")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

func TestAWatchStreamsAndEndsWithItsClient(t *testing.T) {
	b := newBackend(t)
	p, c := client(t, b, 1)
	resp := watch(t, c, p)
	if line, err := bufio.NewReader(resp.Body).ReadString('\n'); err != nil || !strings.HasPrefix(line, "0 ") {
		t.Fatalf("first line %q, %v", line, err)
	}
	_ = resp.Body.Close()
	eventually(t, "the watch at the server to end", func() bool { return b.watches.Load() == 0 })
}

func TestAWatchIsCut(t *testing.T) {
	for _, tc := range []struct {
		name  string
		fault faultproxy.CutWatch
		err   error
		bytes int
	}{
		{"after bytes, as by a network", faultproxy.CutWatch{Bytes: 30, Abort: true}, io.ErrUnexpectedEOF, 30},
		{"after bytes, as by the server", faultproxy.CutWatch{Bytes: 30}, nil, 30},
		{"after a time, as by a network", faultproxy.CutWatch{After: 100 * time.Millisecond, Abort: true}, io.ErrUnexpectedEOF, 0},
		{"after a time, as by the server", faultproxy.CutWatch{After: 100 * time.Millisecond}, nil, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBackend(t)
			p, c := client(t, b, 1)
			p.Add(faultproxy.Rule{Verb: "watch", Fault: tc.fault})
			text, err := io.ReadAll(watch(t, c, p).Body)
			if !errors.Is(err, tc.err) {
				t.Errorf("the watch ends with %v, want %v", err, tc.err)
			}
			if tc.bytes > 0 && len(text) != tc.bytes || len(text) == 0 {
				t.Errorf("%d bytes came, want %d", len(text), tc.bytes)
			}
			eventually(t, "the watch at the server to end", func() bool { return b.watches.Load() == 0 })
		})
	}
}

func TestAWatchLags(t *testing.T) {
	b := newBackend(t)
	p, c := client(t, b, 1)
	const by = 200 * time.Millisecond
	p.Add(faultproxy.Rule{Verb: "watch", Fault: faultproxy.LagWatch{By: by}})
	lines := bufio.NewReader(watch(t, c, p).Body)
	for want := range 5 {
		var n int
		var sent int64
		if _, err := fmt.Fscan(lines, &n, &sent); err != nil || n != want {
			t.Fatalf("line %d, %v; want %d", n, err, want)
		}
		if lag := time.Since(time.UnixMilli(sent)); lag < by-time.Millisecond {
			t.Errorf("line %d came after %s", n, lag)
		}
	}
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-deadline:
			t.Fatalf("gave up waiting for %s", what)
		case <-tick.C:
		}
	}
}
