// Package archive turns saved captures into a snapshot and a snapshot into a
// capture.
//
// What it reads is what people have: the output of `kubectl get ... -o json`
// or `-o yaml`, the folder of `kubectl cluster-info dump`, or what Write made;
// plain or gzipped. Lists in JSON are read an item at a time, so that a
// capture of any size needs memory for compact records only. Input is taken as
// hostile: sizes, depth and expansion are bounded, and a capture that cannot
// be trusted whole is an error, never a shorter answer.
package archive
