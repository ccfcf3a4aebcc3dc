package gates

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func TestAnswersOfAURL(t *testing.T) {
	for _, tc := range []struct {
		code int
		body string
		want Answer
	}{
		{200, "ok\nmore", Answer{rollout.GatePass, "HTTP 200: ok"}},
		{204, "", Answer{rollout.GatePass, "HTTP 204"}},
		{400, "what?", Answer{rollout.GateFail, "HTTP 400: what?"}},
		{404, "\n\n \x1b[2Jgone", Answer{rollout.GateFail, "HTTP 404: [2Jgone"}},
		{429, "slow down", Answer{rollout.GateHold, "HTTP 429: slow down"}},
		{500, "", Answer{rollout.GateFail, "HTTP 500"}},
		{503, "deploying", Answer{rollout.GateHold, "HTTP 503: deploying"}},
	} {
		t.Run(fmt.Sprint(tc.code), func(t *testing.T) {
			url := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodGet || r.UserAgent() != userAgent || r.Header.Get("Authorization") != "" {
					t.Errorf("%s %v", r.Method, r.Header)
				}
				w.WriteHeader(tc.code)
				write(w, tc.body)
			})
			w := newWorld()
			if got := w.ask(t, newRunner(t, probeOf(rollout.Probe{HTTP: url}), w, Options{}), rollout.BeforeWave); got != tc.want {
				t.Errorf("%+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestRedirectsStayAtTheHost(t *testing.T) {
	asked := false
	other := serve(t, func(http.ResponseWriter, *http.Request) { asked = true })
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/here":
			http.Redirect(w, r, "/there", http.StatusFound)
		case "/away":
			http.Redirect(w, r, other, http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		}
	})
	w := newWorld()
	ask := func(path string) Answer {
		return w.ask(t, newRunner(t, probeOf(rollout.Probe{HTTP: url + path}), w, Options{}), rollout.AfterNode)
	}
	check(t, ask("/here"), rollout.GatePass, "HTTP 200")
	check(t, ask("/away"), rollout.GateFail, "HTTP 302 redirects to "+other+", which is not followed")
	check(t, ask("/loop"), rollout.GateFail, "redirects to "+url)
	if asked {
		t.Error("the other host was asked")
	}
}

func TestAURLThatDoesNotAnswerIsAnErrorWithoutItsSecrets(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	w := newWorld()
	url := strings.Replace(s.URL, "http://", "http://me:secret@", 1) + "/?token=secret"
	got := w.ask(t, newRunner(t, probeOf(rollout.Probe{HTTP: url}), w, Options{}), rollout.AfterNode)
	check(t, got, rollout.GateError, "cannot look: dial tcp ")
	if strings.Contains(got.Reason, "secret") {
		t.Error(got.Reason)
	}
}

func TestAURLThatHangsOrNeverEnds(t *testing.T) {
	release := make(chan struct{})
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hang" {
			select {
			case <-release:
			case <-r.Context().Done():
			}
			return
		}
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	})
	t.Cleanup(func() { close(release) })
	w := newWorld()
	p := one(rollout.Gate{Timeout: timeout(200 * time.Millisecond), Probe: rollout.Probe{HTTP: url + "/hang"}})
	got := w.ask(t, newRunner(t, p, w, Options{}), rollout.AfterNode)
	if want := (Answer{rollout.GateError, "no answer within 200ms"}); got != want {
		t.Errorf("%+v", got)
	}
	p = one(rollout.Gate{Timeout: timeout(time.Minute), Probe: rollout.Probe{HTTP: url + "/endless"}})
	check(t, w.ask(t, newRunner(t, p, w, Options{}), rollout.AfterNode), rollout.GatePass, "HTTP 200")
}

func TestAddressesThatAreRefused(t *testing.T) {
	for address, words := range map[string]string{
		"ftp://example.org":          "is not a URL of http or https",
		"file:///etc/passwd":         "is not a URL of http or https",
		"example.org/health":         "is not a URL of http or https",
		"http:///path":               "names no host",
		"http://:8080":               "names no host",
		"http://a b":                 "cannot be read",
		"http://me:secret@ho st/sec": "cannot be read",
	} {
		for field, p := range map[string]rollout.Probe{
			"http":       {HTTP: address},
			"promql.url": {PromQL: &rollout.PromQL{URL: address, Query: "up"}},
		} {
			_, err := New(probeOf(p), newWorld(), Options{})
			if err == nil || !strings.HasPrefix(err.Error(), `gate "g": `+field+": ") || !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s %s: %v", field, address, err)
			}
		}
	}
}

func write(w io.Writer, s string) {
	_, _ = io.WriteString(w, s) // who asked may have gone
}
