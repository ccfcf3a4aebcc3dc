package kube

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

var (
	errTooLarge = errors.New("the answer is larger than any page of a Kubernetes API")
	// errInconsistent is the end of a list whose pages never fitted together.
	errInconsistent = errors.New("inconsistent: the list changed faster than its pages could be read")
)

// RequestError is a request that failed, and what it was for.
type RequestError struct {
	Verb      string // as in RBAC: get, list
	Group     string // API group, empty for core
	Resource  string
	Namespace string // empty for cluster scope
	Name      string // empty for lists
	Err       error
}

// Error implements error.
func (e *RequestError) Error() string { return e.what() + ": " + clean(e.Err.Error(), maxWords) }

// Unwrap gives the error of the client.
func (e *RequestError) Unwrap() error { return e.Err }

func (e *RequestError) what() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", e.Verb, e.Resource)
	switch {
	case e.Namespace != "" && e.Name != "":
		fmt.Fprintf(&b, " %s/%s", e.Namespace, e.Name)
	case e.Name != "":
		fmt.Fprintf(&b, " %s", e.Name)
	case e.Namespace != "":
		fmt.Fprintf(&b, " in namespace %s", e.Namespace)
	}
	return b.String()
}

// AnswerError is an answer that no Kubernetes API gives: a page of a proxy, a
// broken body, another kind than asked for.
type AnswerError struct {
	ContentType string
	Start       string // the first bytes, cleaned
	Err         error  // what was wrong with it, may be nil
}

// Error implements error.
func (e *AnswerError) Error() string {
	msg := "not an answer of a Kubernetes API"
	if e.ContentType != "" {
		msg += " (" + e.ContentType + ")"
	}
	if e.Err != nil {
		msg += ": " + clean(e.Err.Error(), maxWords)
	}
	return msg
}

// Unwrap gives the cause.
func (e *AnswerError) Unwrap() error { return e.Err }

func badAnswer(contentType string, body []byte, err error) error {
	return &AnswerError{
		ContentType: clean(contentType, 80),
		Start:       clean(string(body[:min(len(body), 160)]), 80),
		Err:         err,
	}
}

// NotFoundError is a DaemonSet that was named and does not exist.
type NotFoundError struct {
	Namespace string
	Name      string
	// Existing are names to suggest from: the DaemonSets of the namespace,
	// then namespace/name of those of the same name elsewhere. Empty where
	// they could not be listed.
	Existing []string
}

// Error implements error.
func (e *NotFoundError) Error() string {
	if e.Namespace == "" {
		return fmt.Sprintf("daemonset %q not found in any namespace", e.Name)
	}
	return fmt.Sprintf("daemonset %q not found in namespace %q", e.Name, e.Namespace)
}

// fatal reports whether err ends the whole read: the caller gave up, or time
// is over. What was read until then must not pass for a report.
func fatal(ctx context.Context, err error) bool {
	if ctx.Err() != nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// failureOf makes the record of a failed read.
func failureOf(err error) snapshot.ReadFailure {
	f := snapshot.ReadFailure{Error: clean(err.Error(), maxWords), Forbidden: apierrors.IsForbidden(err)}
	var req *RequestError
	if errors.As(err, &req) {
		f.Verb, f.Group, f.Resource, f.Namespace = req.Verb, req.Group, req.Resource, req.Namespace
		f.Error = clean(req.Err.Error(), maxWords)
		if req.Resource == snapshot.ResourceNamespaces && req.Name != "" {
			f.Namespace = req.Name // a namespace is named by itself
		}
	}
	return f
}

// noSuchObject tells a named object that does not exist from a server that
// does not know the path at all: both are 404.
func noSuchObject(err error) bool {
	return apierrors.IsNotFound(err) && !unexpected(err)
}

// unexpected reports whether the server's error was not a Status of the API.
func unexpected(err error) bool {
	_, ok := unexpectedBody(err)
	return ok
}

// unexpectedBody is the start of such an error's body; client-go keeps it
// beside a message of its own.
func unexpectedBody(err error) (string, bool) {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil {
		return "", false
	}
	for _, c := range status.Status().Details.Causes {
		if c.Type == metav1.CauseTypeUnexpectedServerResponse {
			return c.Message, true
		}
	}
	return "", false
}

func expired(err error) bool { return apierrors.IsResourceExpired(err) || apierrors.IsGone(err) }
