#!/usr/bin/env bash
# Runs every fuzz target of the root module for the given time, one after the
# other: `go test -fuzz` takes one target and one package at a time.
set -euo pipefail
time=${1:-30s}
for pkg in $(go list ./...); do
	for target in $(go test "$pkg" -list '^Fuzz' | grep '^Fuzz' || true); do
		echo "== $pkg $target $time"
		go test "$pkg" -run '^$' -fuzz "^$target\$" -fuzztime "$time"
	done
done
