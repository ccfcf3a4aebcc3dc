// Package audit turns kube-apiserver's audit log into the history that package
// check judges, so that a rollout on a real control plane is held to the same
// invariants as one in the simulation: by what the server committed, in the
// order of resourceVersions, whatever the rollout says about itself.
//
// The server answers most writes with the object as it is afterwards. Where it
// answers with a Status (evictions, bindings, deletes of most kinds), the
// resourceVersion is not known; such a write is put after everything that was
// answered before it, and between what must have come before and after it of
// the same object.
//
// What the log cannot tell: writes of a kube-apiserver that was killed between
// the commit and the line, and how long a request was under way before it
// reached the server.
package audit
