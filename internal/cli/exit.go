package cli

import (
	"context"
	"errors"
	"fmt"
)

// Exit codes of both plugins.
const (
	OK          = 0   // done or reported, gaps or not
	Failed      = 1   // the condition asked for does not hold, or a rollout was stopped
	Usage       = 2   // usage, or any other error
	CannotTell  = 3   // could not be determined
	Paused      = 4   // paused as asked, resumable
	Locked      = 5   // somebody else holds the lock
	TimedOut    = 6   // the time given is over
	Interrupted = 130 // interrupted, resumable
)

// ExitError is an error with the exit code that it ends in. A nil Err ends
// without a word: all there was to say stands on the screen.
type ExitError struct {
	Code int
	Err  error
}

// Error implements error.
func (e *ExitError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("exit status %d", e.Code)
	}
	return e.Err.Error()
}

// Unwrap gives the cause.
func (e *ExitError) Unwrap() error { return e.Err }

// Exit makes an ExitError; a nil err says nothing.
func Exit(code int, err error) error { return &ExitError{code, err} }

// Usagef is an error about how the command was called.
func Usagef(format string, args ...any) error {
	return &ExitError{Usage, fmt.Errorf(format, args...)}
}

// CodeOf decides the exit code. ctx tells an interrupt from other ends.
func CodeOf(ctx context.Context, err error) int {
	var exit *ExitError
	switch {
	case err == nil:
		return OK
	case errors.As(err, &exit):
		return exit.Code
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return Interrupted
	}
	return Usage
}
