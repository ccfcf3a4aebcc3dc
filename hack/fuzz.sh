#!/usr/bin/env bash
# Runs every fuzz target of both modules for the given time, one after the
# other: `go test -fuzz` takes one target and one package at a time. With LIST=1
# it only lists them.
set -euo pipefail
time=${1:-30s}
cd "$(dirname "$0")/.."

fuzz() { # DIR [FLAG...]
	local dir=$1
	shift
	# Only packages with a target are built: those of the nested module link
	# Kubernetes itself.
	for pkg in $(cd "$dir" && grep -rlE --include='*_test.go' '^func Fuzz' . | xargs -rn1 dirname | sort -u); do
		case $dir/$pkg in ././test/*) continue ;; esac # of the nested module, which has its turn
		for target in $(cd "$dir" && grep -hoE '^func Fuzz[A-Za-z0-9_]*' "$pkg"/*_test.go | sed 's/^func //' | sort); do
			echo "== $dir $pkg $target $time"
			[[ -n ${LIST:-} ]] || (cd "$dir" && go test "$@" "$pkg" -run '^$' -fuzz "^$target\$" -fuzztime "$time")
		done
	done
}

fuzz .
CGO_ENABLED=0 fuzz test -trimpath
