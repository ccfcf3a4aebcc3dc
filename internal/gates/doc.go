// Package gates asks the gates of a rollout policy: what lies outside the
// snapshot that decisions are made from. It answers pass, hold, fail or error
// with its evidence, and decides nothing.
//
// A command is run as it was given, without a shell. What comes from the
// cluster reaches it in its environment only, and the words of an answer are
// untrusted text.
package gates
