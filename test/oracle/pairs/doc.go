// Package pairs makes (DaemonSet, node) pairs for the differential tests of
// eligibility.
//
// One description of a pair serves three uses. With random choices it is a
// generator; with the bytes of a fuzzer it is a decoder, so that any input is
// a valid pair; and run backwards over an existing pair it is an encoder,
// which turns a named case into a seed of the fuzzer's corpus and a random
// pair that failed into bytes to keep.
//
// Values come from small vocabularies, because two strings out of all strings
// never match: with a handful, matches and mismatches are both common.
package pairs
