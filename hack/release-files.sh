#!/usr/bin/env bash
# Writes what a release packs beside the programs: man pages and completions.
# goreleaser runs it before it builds.
set -euo pipefail
out=${1:?the folder to write to}
cd "$(dirname "$0")/.."
export CGO_ENABLED=0
rm -rf "$out"
mkdir -p "$out/man" "$out/completions" "$out/bin"
go run -trimpath ./internal/gen/cli --man "$out/man"
# The flags are those of the release, so that nothing compiles twice.
go build -trimpath -buildvcs=false -ldflags "-s -w" -o "$out/bin/" ./cmd/...
for plugin in kubectl-ds_coverage kubectl-ds_rollout; do
	for shell in bash zsh fish powershell; do
		"$out/bin/$plugin" completion "$shell" >"$out/completions/$plugin.${shell/powershell/ps1}"
	done
done
rm -r "$out/bin"
