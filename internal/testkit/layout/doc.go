// Package layout holds the rules of the tree as tests: which folder may import
// what, and why. Its failures are the documentation.
package layout
