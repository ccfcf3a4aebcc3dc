#!/usr/bin/env bash
# Writes what a release packs beside the programs: man pages and completions.
# goreleaser runs it before it builds.
set -euo pipefail
out=${1:?the folder to write to}
cd "$(dirname "$0")/.."
rm -rf "$out"
CGO_ENABLED=0 go run -trimpath ./internal/gen/cli --man "$out/man" --completions "$out/completions"
