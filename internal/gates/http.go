package gates

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

const (
	// maxWeb bounds the body of one answer.
	maxWeb       = 1 << 20
	maxRedirects = 5
	userAgent    = "kubectl-ds"
)

// httpProbe asks a URL. 2xx passes, 429 and 503 hold, anything else fails, and
// so does a redirect to another host.
func httpProbe(address string, client *http.Client) (probe, error) {
	if err := checkAddress("http", address); err != nil {
		return nil, err
	}
	client = webClient(client)
	return func(ctx context.Context, _ *Question) Answer {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return unread(ctx, err)
		}
		res, err := client.Do(req)
		if err != nil {
			return unread(ctx, err)
		}
		body, err := io.ReadAll(io.LimitReader(res.Body, maxOutput))
		if cerr := res.Body.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return unread(ctx, err)
		}
		return webAnswer(res, string(body))
	}, nil
}

func webAnswer(res *http.Response, body string) Answer {
	said := strings.TrimSuffix(fmt.Sprintf("HTTP %d: %s", res.StatusCode, firstLine(body)), ": ")
	switch {
	case res.StatusCode >= 200 && res.StatusCode < 300:
		return pass("%s", said)
	case res.StatusCode == http.StatusTooManyRequests, res.StatusCode == http.StatusServiceUnavailable:
		return hold("%s", said)
	case res.StatusCode >= 300 && res.StatusCode < 400:
		host := "elsewhere"
		if to, err := res.Location(); err == nil {
			host = to.Scheme + "://" + to.Host
		}
		return fail("HTTP %d redirects to %s, which is not followed; give the final URL", res.StatusCode, host)
	}
	return fail("%s", said)
}

// checkAddress checks what a gate asks.
func checkAddress(field, address string) error {
	u, err := url.Parse(address)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err // without the address, which may carry a token
		}
		return fmt.Errorf("%s: the URL cannot be read: %w", field, err)
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("%s: %q is not a URL of http or https", field, u.Redacted())
	case u.Hostname() == "":
		return fmt.Errorf("%s: %q names no host", field, u.Redacted())
	}
	return nil
}

// webClient is client with the rules of gates: it carries no credentials of
// the cluster, stays at the host that was named, and reads no endless body.
func webClient(client *http.Client) *http.Client {
	out := http.Client{}
	if client != nil {
		out = *client
	}
	next := out.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	out.Transport = bounded{next}
	out.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		first := via[0].URL
		if req.URL.Host != first.Host || first.Scheme == "https" && req.URL.Scheme != "https" || len(via) > maxRedirects {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return &out
}

type bounded struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("User-Agent", userAgent)
	res, err := b.next.RoundTrip(req)
	if err == nil {
		res.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(res.Body, maxWeb), res.Body}
	}
	return res, err
}

func firstLine(s string) string {
	for l := range strings.Lines(s) {
		if l = clean(l); l != "" {
			return l
		}
	}
	return ""
}
