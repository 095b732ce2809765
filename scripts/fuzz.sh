#!/usr/bin/env bash
# Runs every fuzz target for some seconds, one after another.
#   scripts/fuzz.sh [SECONDS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export CGO_ENABLED=0
seconds=${1:-10}

# "go test -list" prints the names in a package, then the package's own line.
targets=$(go test -list '^Fuzz' ./... | awk '
  /^Fuzz/ { names[++n] = $1 }
  /^ok/   { for (i = 1; i <= n; i++) print $2, names[i]; n = 0 }')
if [ -z "$targets" ]; then
  echo "no fuzz targets" >&2
  exit 1
fi
# Few tries at making a found input smaller: they can take all of the time.
while read -r package name; do
  echo "== $package $name"
  go test -run '^$' -fuzz "^$name\$" -fuzztime "${seconds}s" -fuzzminimizetime 10x "$package" </dev/null
done <<<"$targets"
