// Package apiserver is a small Kubernetes API server in the test's own
// process: it serves given objects over TLS and HTTP/2 as protobuf or JSON,
// with pages, label selectors and a few field selectors; it counts what it is
// asked, and it can be told to answer wrongly. It is for the faults and the
// figures that a real server cannot be made to show on demand, and knows
// nothing of admission, watches or writes.
package apiserver
