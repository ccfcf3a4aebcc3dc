// Package present turns reports into what a person reads: tables, paragraphs,
// lines. It alone decides width, colour and escaping, and it is the only user
// of tablewriter.
//
// Every string that came from a cluster passes Safe before it is written, so
// that a node's label or an event's message cannot drive a terminal. Output on
// a terminal is fitted to it; a pipe gets the same words with nothing cut.
package present
