// Package simnode makes simulated worlds in a local cluster: nodes that KWOK
// runs, nodes that are lost, pods that fail the way a kubelet reports it, and
// the wait until the controllers have settled.
//
// Faults come two ways. A DaemonSet's pod template can ask for one by
// annotation ([StartAnnotation], [StopAnnotation]), and KWOK then plays it for
// every pod, or for those on some nodes. Or a test patches one pod's status
// ([Crash], [FailImagePull], [SetReady]); such a patch stays, because KWOK acts
// on a pod once, when it is new.
package simnode
