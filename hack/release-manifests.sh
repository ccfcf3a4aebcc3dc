#!/usr/bin/env bash
# Writes plugins/*.yaml for a version that is not published yet: it builds a
# commit for all platforms as its release would be, and names the commit.
# Anyone who builds that commit with the same Go gets the same sha256.
set -euo pipefail
version=${1:?a version like v0.1.0}
cd "$(dirname "$0")/.."
out=dist/$version
commit=$(./hack/release.sh "$version" "$out")
for manifest in "$out"/krew/*.yaml; do
	{
		echo "# Built from commit $commit with $(go env GOVERSION)."
		echo "# The same bytes again: COMMIT=${commit:0:12} make release-manifests VERSION=$version"
		tail -n +2 "$manifest" # its first line says that nobody is to edit it
	} >"plugins/${manifest##*/}"
done
