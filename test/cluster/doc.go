// Package cluster builds and runs a real Kubernetes control plane on this
// machine, for the end-to-end tests, the benches, the oracle and the demo.
//
// Fake clientsets have no DaemonSet controller, no scheduler, no garbage
// collection and no conflicts, which is most of what the plugins have to be
// right about. So this package runs the real etcd, kube-apiserver,
// kube-controller-manager and kube-scheduler, and KWOK in place of kubelets.
// All are built from the tool lines of this module's go.mod: nothing is
// downloaded but Go modules, nothing is installed.
//
//	bins, err := cluster.Build(ctx, cluster.BuildOptions{Progress: os.Stderr})
//	c, err := cluster.Start(ctx, cluster.Options{Binaries: bins})
//	defer c.Stop()
//	client := kubernetes.NewForConfigOrDie(c.RESTConfig())
//
// A cluster lives in one temporary folder (or [Options].Dir), listens on
// loopback addresses only, and writes its kubeconfig into that folder: it
// reads and writes neither ~/.kube nor $KUBECONFIG.
//
// RBAC, PodSecurity and the ServiceAccount admission plugin are on, as in a
// cluster that people run. The controllers act under their own service
// accounts, so that the audit log tells the DaemonSet controller from the
// garbage collector. Because ServiceAccount admission is on, a pod is refused
// until its namespace has the service account "default": Start waits for the
// one of namespace default, [Cluster.CreateNamespace] for that of a new one. A
// DaemonSet that names an account nobody made gives the FailedCreate event
// `error looking up service account`, as in production.
//
// Package simnode makes the simulated nodes, breaks them and their pods.
package cluster
