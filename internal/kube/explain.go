package kube

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// explained is an error in one line that ends with what to do.
type explained struct {
	line string
	err  error
}

func (e *explained) Error() string { return e.line }
func (e *explained) Unwrap() error { return e.err }

// Explain turns an error of this package or of client-go into one clear line
// with a remedy. server is the URL that the line names. What it does not know
// comes back in the words it had, on one line; err stays in the chain. An
// error about DaemonSets that do not exist is left to the caller, who knows
// how they were named.
func Explain(err error, server string) error {
	var missing *NotFoundError
	if err == nil || errors.As(err, &missing) {
		return err
	}
	server = clean(withoutUser(server), 200)
	if server == "" {
		server = "the API server"
	}
	var req *RequestError
	if !errors.As(err, &req) {
		req = &RequestError{Err: err}
	}
	for _, rule := range []func(error, *RequestError, string) string{
		explainEnd, explainAnswer, explainStatus, explainTLS, explainNet,
	} {
		if line := rule(err, req, server); line != "" {
			return &explained{line, err}
		}
	}
	return &explained{clean(err.Error(), maxWords), err}
}

func explainEnd(err error, _ *RequestError, server string) string {
	var timeout net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return "interrupted before everything was read"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Sprintf("no answer from %s in time; check that it can be reached (VPN, proxy, firewall), or raise --request-timeout", server)
	}
	return ""
}

const notKubernetes = "%s did not answer like a Kubernetes API server (%s); check the server URL of the kubeconfig context, and for a proxy or login page in between"

func explainAnswer(err error, req *RequestError, server string) string {
	var answer *AnswerError
	switch {
	case errors.As(err, &answer):
		what := answer.ContentType
		if answer.Err != nil {
			what = strings.TrimPrefix(what+": "+clean(answer.Err.Error(), 120), ": ")
		}
		return fmt.Sprintf(notKubernetes, server, what)
	case errors.Is(err, errTooLarge):
		return fmt.Sprintf(notKubernetes, server, errTooLarge.Error())
	case errors.Is(err, errInconsistent):
		return strings.TrimPrefix(req.what()+": ", " : ") + "the list changed faster than its pages could be read; try again, or narrow the question with -n or a name"
	}
	return ""
}

// user finds who the server says was refused; only its words carry it.
var user = regexp.MustCompile(`User "([^"]*)"`)

func explainStatus(err error, req *RequestError, server string) string {
	var api apierrors.APIStatus
	if !errors.As(err, &api) {
		return ""
	}
	status := api.Status()
	words := clean(status.Message, 200)
	body, _ := unexpectedBody(err)
	html := strings.Contains(strings.ToLower(body), "<html")
	code := int(status.Code)
	switch {
	case html:
		return fmt.Sprintf(notKubernetes, server, fmt.Sprintf("HTTP %d with a page of HTML", code))
	case code == http.StatusUnauthorized:
		return fmt.Sprintf("%s does not accept the credentials (401); log in again, or check the user of the kubeconfig context", server)
	case code == http.StatusForbidden:
		return explainForbidden(req, status.Message)
	case code == http.StatusNotFound && unexpected(err) && req.Resource == snapshot.ResourceDaemonSets:
		return fmt.Sprintf("%s does not serve apps/v1 DaemonSets (404); check the server URL of the kubeconfig context", server)
	case code == http.StatusTooManyRequests:
		return fmt.Sprintf("%s is throttling requests (429); try again later, or narrow the question with -n or a name", server)
	case code >= http.StatusInternalServerError:
		return fmt.Sprintf("%s failed to answer (HTTP %d: %s); try again, and look at the health of the control plane", server, code, words)
	}
	return ""
}

func explainForbidden(req *RequestError, words string) string {
	who := "the user of the kubeconfig context"
	if m := user.FindStringSubmatch(words); m != nil {
		who = fmt.Sprintf("user %q", clean(m[1], 100))
	}
	if req.Verb == "" {
		return fmt.Sprintf("forbidden (403) for %s: %s; ask for a role that grants it", who, clean(words, 200))
	}
	resource := req.Resource
	if req.Group != "" {
		resource += "." + req.Group
	}
	where := "in all namespaces"
	hint := ", or name a namespace with -n"
	switch {
	case req.Namespace != "":
		where, hint = fmt.Sprintf("in namespace %q", req.Namespace), ""
	case req.Resource == snapshot.ResourceNodes || req.Resource == snapshot.ResourceNamespaces:
		where, hint = "at cluster scope", ""
	}
	return fmt.Sprintf("%s may not %s %s %s (403); ask for a role that grants verb %s on %s%s",
		who, req.Verb, resource, where, req.Verb, resource, hint)
}

func explainTLS(err error, _ *RequestError, server string) string {
	var (
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		verify    *tls.CertificateVerificationError
		record    tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &authority):
		return fmt.Sprintf("the certificate of %s is signed by an unknown authority; check certificate-authority in the kubeconfig, and for a proxy that intercepts TLS", server)
	case errors.As(err, &host):
		return fmt.Sprintf("the certificate of %s is for another host (%s); check server and tls-server-name in the kubeconfig", server, clean(host.Error(), 150))
	case errors.As(err, &invalid), errors.As(err, &verify):
		return fmt.Sprintf("the certificate of %s is not valid (%s); check the clock of this host and the certificate", server, clean(rootOf(err).Error(), 150))
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fmt.Sprintf("%s does not speak TLS; check the server URL in the kubeconfig: https where it should be http, or a wrong port", server)
	}
	return ""
}

func explainNet(err error, _ *RequestError, server string) string {
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return fmt.Sprintf("the name %q of the API server does not resolve; check the server URL in the kubeconfig, the network and the VPN", clean(dns.Name, 100))
	case errors.Is(err, errRefused):
		return fmt.Sprintf("%s refused the connection; check that the cluster is running and that the kubeconfig context points to it", server)
	case errors.Is(err, errNoHost), errors.Is(err, errNoNetwork):
		return fmt.Sprintf("%s cannot be reached; check the network, the VPN and the server URL in the kubeconfig", server)
	case strings.Contains(err.Error(), "getting credentials:"):
		return fmt.Sprintf("no credentials for %s: %s; run the credential plugin of the kubeconfig user by hand", server, clean(rootOf(err).Error(), 250))
	case errors.Is(err, errReset), strings.HasSuffix(err.Error(), "EOF"), strings.Contains(err.Error(), "stream error"):
		return fmt.Sprintf("%s closed the connection in the middle of an answer; try again, and look at proxies in between", server)
	}
	return ""
}

// rootOf is the innermost error of a chain.
func rootOf(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}
