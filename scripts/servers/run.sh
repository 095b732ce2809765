#!/usr/bin/env bash
# Runs a command with the servers that tests use, which it starts before and stops
# after: HUNTBOOK_ES and HUNTBOOK_OPENSEARCH are their URLs, HUNTBOOK_KAFKA is
# HOST:PORT. One that cannot be had is named and left out: the tests that need it skip.
#   scripts/servers/run.sh go test ./engine/...
#   HUNTBOOK_START="elasticsearch kafka" scripts/servers/run.sh go test ./ingest/...
# A server whose variable is set already is not started.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

run=$(mktemp -d)
export HUNTBOOK_SERVERS=$run/pids
touch "$HUNTBOOK_SERVERS"

stop() {
  local pid waits
  while read -r pid; do kill "$pid" 2>/dev/null || true; done <"$HUNTBOOK_SERVERS"
  while read -r pid; do
    for waits in {1..100}; do
      kill -0 "$pid" 2>/dev/null || break
      [ "$waits" -lt 100 ] || kill -9 "$pid" 2>/dev/null || true
      sleep 0.1
    done
  done <"$HUNTBOOK_SERVERS"
  rm -rf "$run"
}
trap stop EXIT
trap 'exit 1' INT TERM

# start NAME writes its port, or why there is none.
start() {
  "$here/start.sh" "$1" "$run/$1" >"$run/$1.started" 2>"$run/$1.errors" || true
}

address() { # NAME VARIABLE SCHEME
  local port
  if [ -z "${!2:-}" ] && read -r _ port 2>/dev/null <"$run/$1.started"; then
    export "$2=${3}127.0.0.1:$port"
  fi
  if [ -n "${!2:-}" ]; then
    echo "$1: ${!2}" >&2
  elif [ -f "$run/$1.errors" ]; then
    echo "$1: none, tests that need it are skipped: $(head -3 "$run/$1.errors")" >&2
  fi
}

wanted=" ${HUNTBOOK_START-elasticsearch opensearch kafka} "
starting=()
want() { # NAME VARIABLE
  if [[ $wanted == *" $1 "* && -z ${!2:-} ]]; then
    # One after the other: Maven's folder of jars is not made for two at once.
    "$here/install.sh" "$1" >/dev/null 2>"$run/$1.errors" || return 0
    start "$1" &
    starting+=($!)
  fi
}
want elasticsearch HUNTBOOK_ES
want opensearch HUNTBOOK_OPENSEARCH
want kafka HUNTBOOK_KAFKA
wait "${starting[@]}"
address elasticsearch HUNTBOOK_ES http://
address opensearch HUNTBOOK_OPENSEARCH http://
address kafka HUNTBOOK_KAFKA ""
"$@"
