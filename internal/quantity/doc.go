// Package quantity refuses quantities that the parser of resource.Quantity must
// not see, before an object is decoded.
//
// The parser (apimachinery v0.37.2) computes ten to the power of a negative
// exponent, however large: 1e-2147483647 takes it for ever, and so does a number
// of a million digits. Nothing can interrupt it, so that a capture that somebody
// wrote, or an answer of a server that is not what it seems, would hang whoever
// reads it.
package quantity
