# A Kafka broker that is its own controller. Sourced by install.sh and start.sh.
server_java=17

server_install() { :; }

server_configure() {
  local controller
  controller=$(free_port)
  cat >"$1/config/server.properties" <<CONF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=PLAINTEXT://127.0.0.1:$2,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$2
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=$1/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
group.initial.rebalance.delay.ms=0
CONF
}

server_command() {
  local java=("$JAVA_HOME/bin/java" -Xmx512m -Djava.io.tmpdir="$2/tmp" -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$1/lib/*")
  if [ ! -f "$2/data/meta.properties" ]; then
    "${java[@]}" kafka.tools.StorageTool format -t huntbook-test-kafka-00 -c "$2/config/server.properties" >"$2/log" 2>&1 ||
      { cat "$2/log" >&2; return 1; }
  fi
  command=("${java[@]}" kafka.Kafka "$2/config/server.properties")
}

# The port is open before requests are served: this asks for the versions of the API
# (key 18, version 0) and wants an answer.
server_answers() {
  local request='\0\0\0\012\0\022\0\0\0\0\0\001\377\377' n
  n=$(timeout 3 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0" && printf "$1" >&3 && head -c 8 <&3 | wc -c' "$1" "$request" 2>/dev/null) &&
    [ "$n" = 8 ]
}
