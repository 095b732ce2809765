#!/usr/bin/env bash
# All of the corpus: the matcher against the slow evaluator, and real servers against
# the matcher, every rule on every event. "make test" does the same on samples.
# Arguments go to the second go test: -update writes docs/agreement.md.
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
HUNTBOOK_START="elasticsearch opensearch" scripts/servers/run.sh \
  go test -count=1 -timeout=4h -v ./internal/agreement "$@"
scripts/servers/run.sh go test -count=1 -timeout=30m -v -run '^TestANodeThatRestarts$' ./engine/cluster
