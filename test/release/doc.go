// Package release tests what a release consists of: it builds archives and
// packages as `make dist` does, takes them apart, types what the README says where
// there is nothing but them and kubectl, lets Krew install them, and runs them
// through the real kubectl. A release is rehearsed against a GitHub of its own.
package release
