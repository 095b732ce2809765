#!/usr/bin/env bash
# Starts a server for the tests on loopback, and prints "PID PORT" when it answers.
#   scripts/servers/start.sh elasticsearch|opensearch|kafka DIR [PORT]
# Its data, configuration and log are in DIR, new or of an earlier run. Without PORT a
# free one is taken. Stop it with: kill PID. $HUNTBOOK_SERVERS names a file that
# collects the process ids of all that were started, for who has to clean up.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/java.sh"

usage="usage: start.sh elasticsearch|opensearch|kafka DIR [PORT]"
name=${1:?$usage}
mkdir -p "${2:?$usage}"
dir=$(cd "$2" && pwd)
port=${3:-}
source "$here/$name/server.sh"

# A port below those that the system gives to clients.
free_port() {
  local port
  while port=$((20000 + RANDOM % 12000)); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
}

log4j() {
  cat >"$1/log4j2.properties" <<'CONF'
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %-5p %c{1.} %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
CONF
}

home=$("$here/install.sh" "$name")
JAVA_HOME=$(java_home "$server_java")
if [ ! -d "$dir/config" ]; then
  mkdir -p "$dir/config" "$dir/data" "$dir/tmp"
  server_configure "$dir" "${port:=$(free_port)}"
  echo "$port" >"$dir/port"
fi
port=$(cat "$dir/port")
server_command "$home" "$dir"
nohup "${command[@]}" >>"$dir/log" 2>&1 </dev/null &
pid=$!
if [ -n "${HUNTBOOK_SERVERS:-}" ]; then
  echo "$pid" >>"$HUNTBOOK_SERVERS"
fi

give_up() {
  echo "$name $1:" >&2
  tail -40 "$dir/log" >&2
  kill -9 "$pid" 2>/dev/null || true
  exit 1
}
end=$((SECONDS + 300))
until server_answers "$port"; do
  kill -0 "$pid" 2>/dev/null || give_up "stopped while starting"
  [ "$SECONDS" -lt "$end" ] || give_up "does not answer after five minutes"
  sleep 0.2
done
echo "$pid $port"
