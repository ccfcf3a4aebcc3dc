// Package e2e runs the built plugins through the real kubectl on the real
// control plane, and judges what users would see.
package e2e
