// Package oracle holds this project's answers against those of kubernetes
// itself: eligibility against the function that the DaemonSet controller asks,
// and recomputed counts against the status that the real controller writes.
//
// It needs k8s.io/kubernetes, and so lives in the nested module.
package oracle
