package kube

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"unicode"

	"k8s.io/client-go/rest"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit/apiserver"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

func TestExplainOfWhatAServerAnswers(t *testing.T) {
	const html = "<!DOCTYPE html>\n<html><body>\x1b[31mSign in\x1b[0m</body></html>"
	in := named("monitoring", "agent")
	for _, tc := range []struct {
		name  string
		fault apiserver.Fault
		req   Request
		want  string // %s is the server
	}{
		{"401", apiserver.Fault{Status: 401}, Request{},
			"%s does not accept the credentials (401); log in again, or check the user of the kubeconfig context"},
		{"403 everywhere", apiserver.Fault{Status: 403}, Request{},
			`user "jane" may not list daemonsets.apps in all namespaces (403); ask for a role that grants verb list on daemonsets.apps, or name a namespace with -n`},
		{"403 in a namespace", apiserver.Fault{Status: 403}, in,
			`user "jane" may not get daemonsets.apps in namespace "monitoring" (403); ask for a role that grants verb get on daemonsets.apps`},
		{"404 of the API", apiserver.Fault{Code: 404, ContentType: "text/plain", Body: "404 page not found"}, in,
			"%s does not serve apps/v1 DaemonSets (404); check the server URL of the kubeconfig context"},
		{"429", apiserver.Fault{Status: 429}, Request{},
			"%s is throttling requests (429); try again later, or narrow the question with -n or a name"},
		{"500", apiserver.Fault{Status: 500}, Request{},
			"%s failed to answer (HTTP 500: Internal error occurred: Internal Server Error); try again, and look at the health of the control plane"},
		{"503 of a proxy", apiserver.Fault{Code: 503, ContentType: "text/html", Body: html}, Request{},
			"%s did not answer like a Kubernetes API server (HTTP 503 with a page of HTML); check the server URL of the kubeconfig context, and for a proxy or login page in between"},
		{"a login page", apiserver.Fault{ContentType: "text/html", Body: html}, Request{},
			"%s did not answer like a Kubernetes API server (text/html: neither protobuf nor JSON); check the server URL of the kubeconfig context, and for a proxy or login page in between"},
		{"half an answer", apiserver.Fault{Truncate: 200}, Request{},
			"%s did not answer like a Kubernetes API server (application/vnd.kubernetes.protobuf: protobuf: unexpected EOF); check the server URL of the kubeconfig context, and for a proxy or login page in between"},
		{"a connection that breaks off", apiserver.Fault{CutAt: 100}, Request{},
			"%s closed the connection in the middle of an answer; try again, and look at proxies in between"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := apiserver.New(t, cluster(1)...)
			tc.fault.Path = setsPath
			s.Fault(tc.fault)
			tc.fault.Path = "/apis/apps/v1/namespaces/monitoring/daemonsets/agent"
			s.Fault(tc.fault)
			_, err := newReader(t, s).Read(t.Context(), tc.req)
			checkLine(t, Explain(err, s.URL()), err, strings.ReplaceAll(tc.want, "%s", s.URL()))
		})
	}
}

func TestExplainOfConnections(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := "https://" + closed.Addr().String()
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	plain := newPlainServer(t)
	s := apiserver.New(t, cluster(1)...)
	otherName := strings.Replace(s.URL(), "127.0.0.1", "localhost", 1)
	for _, tc := range []struct {
		name   string
		change func(*rest.Config)
		want   string
	}{
		{"refused", func(c *rest.Config) { c.Host = refused }, " refused the connection; check that the cluster is running and that the kubeconfig context points to it"},
		{"unknown authority", func(c *rest.Config) { c.CAData = nil }, " is signed by an unknown authority; check certificate-authority in the kubeconfig, and for a proxy that intercepts TLS"},
		{"another host", func(c *rest.Config) { c.Host = otherName }, "check server and tls-server-name in the kubeconfig"},
		{"no TLS", func(c *rest.Config) { c.Host = plain }, " does not speak TLS; check the server URL in the kubeconfig: https where it should be http, or a wrong port"},
		{"a credential plugin that fails", func(c *rest.Config) {
			c.Wrap(func(http.RoundTripper) http.RoundTripper {
				return failing{errors.New("getting credentials: exec: executable\x1b[2J aws not found")}
			})
		}, "exec: executable [2J aws not found; run the credential plugin of the kubeconfig user by hand"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := s.Config()
			tc.change(cfg)
			r, err := NewReader(cfg)
			if err != nil {
				t.Fatal(err)
			}
			_, err = r.Read(t.Context(), Request{})
			got := Explain(err, cfg.Host)
			checkLine(t, got, err, "")
			if got == nil || !strings.HasSuffix(got.Error(), tc.want) {
				t.Errorf("got  %v\nwant ...%s\nfrom %v", got, tc.want, err)
			}
		})
	}
}

func TestExplainOfErrorsThatNoTestCanCause(t *testing.T) {
	wrap := func(err error) error {
		return &RequestError{Verb: "list", Group: "apps", Resource: "daemonsets", Err: &url.Error{Op: "Get", URL: "https://x", Err: err}}
	}
	for _, tc := range []struct {
		err  error
		want string
	}{
		{wrap(&net.OpError{Op: "dial", Err: &net.DNSError{Name: "api.example.org", IsNotFound: true}}),
			`the name "api.example.org" of the API server does not resolve; check the server URL in the kubeconfig, the network and the VPN`},
		{wrap(&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", errNoHost)}),
			"the API server cannot be reached; check the network, the VPN and the server URL in the kubeconfig"},
		{wrap(context.DeadlineExceeded), "no answer from the API server in time; check that it can be reached (VPN, proxy, firewall), or raise --request-timeout"},
		{wrap(context.Canceled), "interrupted before everything was read"},
		{fmt.Errorf("list nodes: %w: gone", errInconsistent), "the list changed faster than its pages could be read; try again, or narrow the question with -n or a name"},
		{errors.New("something\nelse\x07"), "something else"},
	} {
		checkLine(t, Explain(tc.err, ""), tc.err, tc.want)
	}
	if Explain(nil, "x") != nil {
		t.Error("nil became an error")
	}
	missing := &NotFoundError{Namespace: "a", Name: "b"}
	if got := Explain(missing, "x"); !errors.Is(got, missing) || got.Error() != `daemonset "b" not found in namespace "a"` {
		t.Errorf("not found: %v", got)
	}
}

func TestCleanLeavesNothingThatATerminalObeys(t *testing.T) {
	for in, want := range map[string]string{
		"plain words":              "plain words",
		"a\r\nb\tc":                "a b c",
		"\x1b]0;title\x07x":        "]0;title x",
		"\u202eevil\u2066":         "evil",
		"\x9b31mred":               "31mred",
		"bad \xff\xfe utf8":        "bad utf8",
		"nul\x00 zero\u200bwidth":  "nul zero width",
		"grüße":                    "grüße",
		strings.Repeat("x", 500):   strings.Repeat("x", 400) + "...",
		strings.Repeat("\n", 5000): "...",
	} {
		if got := clean(in, maxWords); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestCredentialsInTheServersURLAreNotShown(t *testing.T) {
	r, err := NewReader(&rest.Config{Host: "https://me:secret@example.org:6443/path"})
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Server(); got != "https://example.org:6443/path" {
		t.Error(got)
	}
	if got := Explain(context.Canceled, r.Server()); strings.Contains(got.Error(), "secret") {
		t.Error(got)
	}
	if got := Explain(errRefused, "https://me:secret@example.org"); strings.Contains(got.Error(), "secret") {
		t.Error(got)
	}
}

func TestFailuresCarryCleanWords(t *testing.T) {
	s := apiserver.New(t, cluster(1)...)
	s.Fault(apiserver.Fault{Path: nodesPath, Code: 403, ContentType: "application/json",
		Body: `{"kind":"Status","status":"Failure","reason":"Forbidden","code":403,"message":"\u001b[31mno\u001b[0m\n` + strings.Repeat("x", 9000) + `"}`})
	f, ok := read(t, newReader(t, s), Request{}).Missing(snapshot.ResourceNodes, "")
	if !ok || !f.Forbidden || len(f.Error) > maxWords+3 || strings.ContainsFunc(f.Error, unicode.IsControl) {
		t.Errorf("%+v", f)
	}
}

// checkLine holds an explanation to be one line, with err in its chain.
func checkLine(t *testing.T, got, err error, want string) {
	t.Helper()
	if got == nil || err == nil {
		t.Fatalf("no error: %v of %v", got, err)
	}
	if strings.ContainsFunc(got.Error(), unicode.IsControl) || !errors.Is(got, err) {
		t.Errorf("not one line, or not in the chain: %q", got.Error())
	}
	if want != "" && got.Error() != want {
		t.Errorf("got  %s\nwant %s\nfrom %v", got, want, err)
	}
}

type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

// newPlainServer speaks HTTP where https is expected.
func newPlainServer(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(s.Close)
	return strings.Replace(s.URL, "http:", "https:", 1)
}
