// Package faultproxy stands between the plugins and kube-apiserver and breaks
// the transport by rule: answers that are lost after the server has committed,
// 429 with Retry-After, bursts of 5xx, delays, and watches that are cut or lag.
// A healthy API server cannot be made to show any of this on demand.
//
//	p, err := faultproxy.New(cluster.RESTConfig())
//	defer p.Close()
//	p.Add(faultproxy.Rule{Verb: "delete", Path: "/pods/", Count: 1, Fault: faultproxy.DropAnswer{}})
//	path, err := p.Kubeconfig(dir, "e2e")
//
// The proxy connects to the server as one fixed user: who is given its
// kubeconfig needs no credentials, and is that user. Rules are matched in
// order, the first that is not used up applies, and each remembers how often
// it did, so that a test can hold that its fault has happened. Chance rules
// draw from a seeded source: the same requests in the same order meet the same
// faults.
package faultproxy
