package faultproxy

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Proxy is a running proxy.
type Proxy struct {
	server *httptest.Server
	target *url.URL
	rules  rules
	proxy  *httputil.ReverseProxy
	cancel context.CancelFunc // of every request
}

// New starts a proxy in front of the server that config connects to, as the
// user of config.
func New(config *rest.Config) (*Proxy, error) { return NewSeeded(config, 1) }

// NewSeeded is New with the seed of what rules leave to chance.
func NewSeeded(config *rest.Config, seed uint64) (*Proxy, error) {
	target, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, fmt.Errorf("starting the fault proxy: %w", err)
	}
	transport, err := rest.TransportFor(config)
	if err != nil {
		return nil, fmt.Errorf("starting the fault proxy: %w", err)
	}
	p := &Proxy{target: target, rules: rules{rng: rand.New(rand.NewPCG(seed, 0))}}
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	p.proxy = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Header.Del("Authorization") // the proxy has its own
		},
		Transport:     transport,
		FlushInterval: -1, // watches stream
		ErrorLog:      log.New(io.Discard, "", 0),
		// A server that is away is a connection that breaks, not a 502.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	p.server = httptest.NewUnstartedServer(http.HandlerFunc(p.serve))
	// HTTP/1.1 towards the client: to cut one request is to cut a connection,
	// as when a network breaks, and not to reset one stream of many.
	p.server.Config.BaseContext = func(net.Listener) context.Context { return ctx }
	p.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	p.server.StartTLS()
	return p, nil
}

// Add adds a rule, after those that are there.
func (p *Proxy) Add(r Rule) *Handle { return p.rules.add(r) }

// URL is where the proxy listens.
func (p *Proxy) URL() string { return p.server.URL }

// Close ends the proxy and every request that is under way.
func (p *Proxy) Close() {
	p.cancel()
	p.server.CloseClientConnections()
	p.server.Close()
}

// Kubeconfig writes a kubeconfig for the proxy into a folder, with a context
// of that name, and returns its path.
func (p *Proxy) Kubeconfig(dir, contextName string) (string, error) {
	config := clientcmdapi.NewConfig()
	config.Clusters[contextName] = &clientcmdapi.Cluster{
		Server:                   p.server.URL,
		CertificateAuthorityData: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.server.Certificate().Raw}),
	}
	// kubectl asks for a name where there is nothing; the proxy drops it.
	config.AuthInfos["proxied"] = &clientcmdapi.AuthInfo{Token: "proxied"}
	config.Contexts[contextName] = &clientcmdapi.Context{Cluster: contextName, AuthInfo: "proxied"}
	config.CurrentContext = contextName
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("writing a kubeconfig: %w", err)
	}
	path := filepath.Join(dir, "kubeconfig-proxy")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		return "", fmt.Errorf("writing a kubeconfig: %w", err)
	}
	return path, nil
}

// serve carries one request.
func (p *Proxy) serve(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	switch f := p.rules.match(r).(type) {
	case nil:
		p.proxy.ServeHTTP(w, r)
	case Answer:
		f.write(w)
	case DropRequest:
		panic(http.ErrAbortHandler)
	case DropAnswer:
		p.proxy.ServeHTTP(&deaf{header: http.Header{}}, r)
		panic(http.ErrAbortHandler)
	case Delay:
		if !pause(ctx, f.Before) {
			panic(http.ErrAbortHandler)
		}
		if f.After == 0 {
			p.proxy.ServeHTTP(w, r)
			return
		}
		p.proxy.ServeHTTP(&late{ResponseWriter: w, ctx: ctx, by: f.After}, r)
	case CutWatch:
		p.cut(w, r, f)
	case LagWatch:
		lag := newLag(ctx, w, f.By)
		p.proxy.ServeHTTP(lag, r)
		lag.close()
	}
}

func (p *Proxy) cut(w http.ResponseWriter, r *http.Request, f CutWatch) {
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	if f.After > 0 {
		timer := time.AfterFunc(f.After, func() { cancel(errCut) })
		defer timer.Stop()
	}
	out := &counted{ResponseWriter: w, left: f.Bytes, limited: f.Bytes > 0, full: func() { cancel(errCut) }}
	// Whatever ends the copy, a cut watch ends as told.
	defer func() {
		err := recover()
		if errors.Is(context.Cause(ctx), errCut) && !f.Abort {
			return
		}
		if err != nil || errors.Is(context.Cause(ctx), errCut) {
			panic(http.ErrAbortHandler)
		}
	}()
	p.proxy.ServeHTTP(out, r.WithContext(ctx))
}

var errCut = errors.New("the watch was cut")

func (a Answer) write(w http.ResponseWriter) {
	if a.RetryAfter != "" {
		w.Header().Set("Retry-After", a.RetryAfter)
	}
	body := a.Body
	if body == "" {
		body = fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"made by the fault proxy","reason":%s,"code":%d}`,
			strconv.Quote(reasons[a.Code]), a.Code)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(a.Code)
	_, _ = io.WriteString(w, body)
}

// reasons are those that the API server gives.
var reasons = map[int]string{
	http.StatusUnauthorized: "Unauthorized", http.StatusForbidden: "Forbidden", http.StatusNotFound: "NotFound",
	http.StatusConflict: "Conflict", http.StatusGone: "Expired", http.StatusTooManyRequests: "TooManyRequests",
	http.StatusInternalServerError: "InternalError", http.StatusServiceUnavailable: "ServiceUnavailable", http.StatusGatewayTimeout: "Timeout",
}

// pause waits, and reports whether nobody hung up meanwhile.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
