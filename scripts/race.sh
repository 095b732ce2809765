#!/usr/bin/env bash
# Runs the tests of the packages that start goroutines under the race detector,
# without the corpus, which would take it many minutes, and -short, which leaves out
# what runs nothing at once. The race detector needs cgo,
# so a C compiler; where there is none this says so and succeeds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

compiler=$(go env CC)
if ! command -v "${compiler%% *}" >/dev/null; then
  echo "skipped: the race detector needs a C compiler" >&2
  exit 0
fi
starts='^[[:space:]]*go [a-z]|[a-z]\.Go\('
packages=$({ grep -rlE --include='*.go' --exclude='*_test.go' "$starts" . || true; } | sed 's,/[^/]*$,,' | sort -u)
if [ -z "$packages" ]; then
  echo "no package starts a goroutine"
  exit 0
fi
# shellcheck disable=SC2086 # a list of folders
HUNTBOOK_SHARED=none CGO_ENABLED=1 go test -race -short -timeout=10m $packages
