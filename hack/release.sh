#!/usr/bin/env bash
# Builds what a release of a commit would publish, byte by byte, and publishes
# nothing. The build runs in a clone of its own: what is not committed has no
# part in it.
#
#   hack/release.sh VERSION OUT [TARGET...]
#
# VERSION is a tag like v0.1.0, which need not exist. Targets are those of
# .goreleaser.yaml; without any, all are built. COMMIT (HEAD) is what is built,
# and GORELEASER is the program.
set -euo pipefail
version=${1:?a version like v0.1.0} out=${2:?the folder to write to}
shift 2
cd "$(dirname "$0")/.."
goreleaser=$(realpath "${GORELEASER:?the path of goreleaser; make dist sets it}")
commit=$(git rev-parse --verify "${COMMIT:-HEAD}^{commit}")
if [[ ! $version =~ ^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]]; then
	echo "version $version is not like v0.1.0" >&2
	exit 2
fi
mkdir -p "$out"
out=$(realpath "$out")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git clone --quiet --no-checkout . "$work/src"
cd "$work/src"
git checkout --quiet --detach "$commit"

if (($#)); then
	targets=$(IFS=, && echo "$*")
	sed -i.all "s/targets: &targets \[.*\]/targets: \&targets [$targets]/" .goreleaser.yaml
	if cmp -s .goreleaser.yaml .goreleaser.yaml.all; then
		echo ".goreleaser.yaml has no line 'targets: &targets [...]' that these would replace: $*" >&2
		exit 2
	fi
	rm .goreleaser.yaml.all
fi
# A snapshot skips what needs a tag that exists. Parallel builds of programs of
# this size need more memory than they save time.
GORELEASER_CURRENT_TAG=$version "$goreleaser" release --snapshot --clean --skip=sbom,sign --parallelism 1 >&2
rm -rf "$out/krew" "$out/homebrew"
cp -R dist/krew dist/homebrew "$out/"
cut -d' ' -f3 dist/checksums.txt | xargs -I{} cp dist/{} "$out/"
cp dist/checksums.txt "$out/"
echo "$commit"
