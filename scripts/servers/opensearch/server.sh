# OpenSearch with the modules of its core. Sourced by install.sh and start.sh.
server_java=21

server_install() {
  "$JAVA_HOME/bin/javac" -nowarn -cp "$2/lib/*" -d "$2/classes" "$1/Start.java"
}

server_configure() {
  cat >"$1/config/opensearch.yml" <<CONF
node.name: test
path.data: $1/data
path.logs: $1
network.host: 127.0.0.1
http.port: $2
transport.port: 0
discovery.type: single-node
cluster.routing.allocation.disk.threshold_enabled: false
action.destructive_requires_name: false
CONF
  log4j "$1/config"
}

server_command() {
  command=("$JAVA_HOME/bin/java" -Xms1g -Xmx1g -Djava.io.tmpdir="$2/tmp" -Djava.awt.headless=true
    -Dopensearch.path.home="$1" -Dlog4j2.disable.jmx=true
    -cp "$1/classes:$1/lib/*" Start "$1" "$2/config")
}

server_answers() {
  curl -fsS -m 5 "http://127.0.0.1:$1/_cluster/health?wait_for_status=yellow&timeout=3s" >/dev/null 2>&1
}
