#!/usr/bin/env bash
# Everything that must hold before a change lands: the source checks, the race
# detector, then every test, with the tools that some of them need (a browser, Python
# packages, servers) and the corpus if it is there. What cannot be had is named and skipped.
# "make test" builds bin/huntbook first and calls this.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export CGO_ENABLED=0

step() { printf '\n== %s\n' "$*"; }

step "gofmt, go vet, golangci-lint"
scripts/lint.sh

step "go test -race"
scripts/race.sh

step "tools and data"
# Tests run in their package's folder, so the paths must be absolute.
shared=${HUNTBOOK_SHARED:-../shared}
if [ -d "$shared" ]; then
  HUNTBOOK_SHARED=$(cd "$shared" && pwd)
  export HUNTBOOK_SHARED
  echo "corpus: $HUNTBOOK_SHARED"
else
  echo "no corpus at $shared: tests that need it are skipped (set HUNTBOOK_SHARED)"
fi
CHROME=$(scripts/find-chrome.sh)
HUNTBOOK_PYTHON=$(scripts/python-env.sh)
HUNTBOOK_LAB_PYTHON=$(scripts/python-env.sh lab)
HUNTBOOK_CLIENT7_PYTHON=$(scripts/python-env.sh client7)
HUNTBOOK_ELASTALERT_PYTHON=$(scripts/python-env.sh elastalert)
export CHROME HUNTBOOK_PYTHON HUNTBOOK_LAB_PYTHON HUNTBOOK_CLIENT7_PYTHON HUNTBOOK_ELASTALERT_PYTHON
echo "browser: ${CHROME:-none}"
echo "python: ${HUNTBOOK_PYTHON:-none}, with JupyterLab: ${HUNTBOOK_LAB_PYTHON:-none}, with Elasticsearch's client 7: ${HUNTBOOK_CLIENT7_PYTHON:-none}, with ElastAlert 2: ${HUNTBOOK_ELASTALERT_PYTHON:-none}"
R=$(scripts/r-kernel.sh)
echo "R: ${R:-none}"

# The longest goes first, beside all others.
step "go test"
scripts/servers/run.sh go test -json -count=1 -timeout=20m ./internal/agreement ./... | go run ./internal/testlog
