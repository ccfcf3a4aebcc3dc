package kube

import (
	"fmt"
	"io"
	"net/http"
	"net/url"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
)

// UserAgent is what audit logs show for every request of the plugins. It is
// fixed, so that one rule finds them all.
const UserAgent = "kubectl-ds"

const (
	protobufType = runtime.ContentTypeProtobuf
	acceptTypes  = runtime.ContentTypeProtobuf + ", " + runtime.ContentTypeJSON
)

// maxBody bounds one answer after decompression: far above any page that a
// real server sends, far below what a compressed bomb unfolds to.
const maxBody = 1 << 30

// Reader reads a cluster. It is safe for concurrent use.
type Reader struct {
	core         rest.Interface
	apps         rest.Interface
	coordination rest.Interface
	server       string
}

// NewReader makes a Reader for the cluster that cfg points to. cfg is not
// changed; its warning handler, timeout, proxy and impersonation hold.
func NewReader(cfg *rest.Config) (*Reader, error) {
	c := readConfig(cfg)
	httpClient, err := rest.HTTPClientFor(c)
	if err != nil {
		return nil, fmt.Errorf("make HTTP client: %w", err)
	}
	r := &Reader{server: withoutUser(cfg.Host)}
	if r.core, err = restClient(c, httpClient, corev1.SchemeGroupVersion, "/api"); err != nil {
		return nil, err
	}
	if r.apps, err = restClient(c, httpClient, appsv1.SchemeGroupVersion, "/apis"); err != nil {
		return nil, err
	}
	if r.coordination, err = restClient(c, httpClient, coordinationv1.SchemeGroupVersion, "/apis"); err != nil {
		return nil, err
	}
	return r, nil
}

// Server is the URL of the API server, without credentials.
func (r *Reader) Server() string { return r.server }

func readConfig(cfg *rest.Config) *rest.Config {
	c := rest.CopyConfig(cfg)
	c.UserAgent = UserAgent
	c.AcceptContentTypes = acceptTypes
	c.ContentType = protobufType
	c.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	// The server has its own fairness (APF, Retry-After). The client's default
	// of 5 requests a second would make 300 pages wait for a minute.
	c.QPS = -1
	c.RateLimiter = nil
	c.Wrap(func(next http.RoundTripper) http.RoundTripper { return limitBodies{next, maxBody} })
	return c
}

func restClient(c *rest.Config, h *http.Client, gv schema.GroupVersion, path string) (rest.Interface, error) {
	c = rest.CopyConfig(c)
	c.GroupVersion = &gv
	c.APIPath = path
	client, err := rest.RESTClientForConfigAndClient(c, h)
	if err != nil {
		return nil, fmt.Errorf("make client for %s: %w", gv, err)
	}
	return client, nil
}

// withoutUser drops credentials from a URL, since it is shown in reports.
func withoutUser(host string) string {
	u, err := url.Parse(host)
	if err != nil || u.User == nil {
		return host
	}
	u.User = nil
	return u.String()
}

var _ utilnet.RoundTripperWrapper = limitBodies{}

// limitBodies bounds what is read of an answer, after decompression.
type limitBodies struct {
	next http.RoundTripper
	max  int64
}

// WrappedRoundTripper lets client-go look through: http.Client.Timeout cancels
// requests by it.
func (l limitBodies) WrappedRoundTripper() http.RoundTripper { return l.next }

// RoundTrip implements http.RoundTripper.
func (l limitBodies) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := l.next.RoundTrip(req)
	if err != nil || resp.Body == nil || resp.StatusCode == http.StatusSwitchingProtocols {
		return resp, err
	}
	resp.Body = &limitedBody{ReadCloser: resp.Body, left: l.max}
	return resp, nil
}

type limitedBody struct {
	io.ReadCloser
	left int64
}

func (b *limitedBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, errTooLarge
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1] // one more than allowed tells too much from just enough
	}
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n, errTooLarge
	}
	return n, err
}
