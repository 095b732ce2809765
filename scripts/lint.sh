#!/usr/bin/env bash
# The checks of the source text: gofmt, go vet, and golangci-lint with .golangci.yml,
# at one version so that every machine judges alike: the one on PATH if it is that,
# else one that Go builds from its module (a minute, the first time). Where it cannot
# be had this says so and succeeds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export CGO_ENABLED=0
version=2.15.0

unformatted=$(gofmt -l .)
if [ -n "$unformatted" ]; then
  printf 'not gofmt-ed (run gofmt -w on them):\n%s\n' "$unformatted" >&2
  exit 1
fi
go vet ./...

if golangci-lint version 2>/dev/null | grep -qF "version $version "; then
  linter=(golangci-lint)
else
  linter=(go run "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v$version")
  if ! "${linter[@]}" version >/dev/null; then
    echo "skipped: golangci-lint is not installed, and could not be fetched or built" >&2
    exit 0
  fi
fi
"${linter[@]}" run ./...
