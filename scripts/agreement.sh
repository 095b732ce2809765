#!/usr/bin/env bash
# The matcher against the slow evaluator: every rule of the corpus on all of its
# events. "make test" does the same on a sample.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export CGO_ENABLED=0 HUNTBOOK_AGREEMENT=all
shared=${HUNTBOOK_SHARED:-../shared}
if [ ! -d "$shared" ]; then
  echo "no corpus at $shared: set HUNTBOOK_SHARED to its folder" >&2
  exit 1
fi
HUNTBOOK_SHARED=$(cd "$shared" && pwd)
export HUNTBOOK_SHARED
go test -count=1 -timeout=2h -v -run '^TestMatcherAgreesOnCorpus$' ./explain
