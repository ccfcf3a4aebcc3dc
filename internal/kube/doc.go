// Package kube is the only one that builds clients and sends requests.
//
// A Reader fills a snapshot.Snapshot from a live cluster. It asks for
// protobuf, in pages, and turns every object into what the snapshot keeps
// while its page is at hand: nothing else of a page outlives it.
//
// Every answer is untrusted. A byte stream of any kind gives an error and not
// a panic, and strings of the server are cut and cleaned before they become
// part of an error.
package kube
