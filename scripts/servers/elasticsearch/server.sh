# Elasticsearch with a basic licence, ES|QL and KQL. Sourced by install.sh and start.sh.
server_java=17

# server_install SOURCE HOME: jars are in HOME/lib. Each module gets the folder that it
# has in the official archive; what they share stays in lib.
server_install() {
  local source=$1 home=$2 jar name folder
  mkdir -p "$home/modules" "$home/plugins" "$home/config"
  for jar in "$home"/lib/{transport-netty4,x-pack-*}-*.jar; do
    name=$(basename "$jar")
    name=${name%-*.jar}
    folder=$home/modules/$name
    mkdir "$folder"
    if (cd "$folder" && "$JAVA_HOME/bin/jar" xf "$jar" META-INF/es-plugins && mv META-INF/es-plugins/*/plugin-descriptor.properties .) 2>/dev/null; then
      mv "$jar" "$folder/"
      # Modules load from the class path, without those that are not on Maven Central.
      sed -i -e '/^modulename=/d' -e '/^extended.plugins=/s/,\(lang-painless\|x-pack-ml\)//g' "$folder/plugin-descriptor.properties"
      rm -r "$folder/META-INF"
    else
      rm -r "$folder"
    fi
  done
  # A part that is no module of its own goes with the one that needs it.
  mv "$home"/lib/x-pack-esql-compute-[0-9]*.jar "$home/modules/x-pack-esql/"
  cp "$home"/modules/x-pack-mapper-version/*.jar "$home/modules/x-pack-esql-core/"
  sed -i '/^extended.plugins=/s/$/,x-pack-kql/' "$home/modules/x-pack-esql/plugin-descriptor.properties"

  "$JAVA_HOME/bin/javac" -nowarn --release 17 -cp "$home/lib/*" -d "$home/classes" "$source"/*.java
  "$JAVA_HOME/bin/javac" -nowarn --release 17 -cp "$home/lib/*" -d "$home/root" "$source"/root/*.java
  folder=$home/modules/huntbook-root
  mkdir "$folder"
  "$JAVA_HOME/bin/jar" cf "$folder/root.jar" -C "$home/root" .
  sed -e 's/^name=.*/name=huntbook-root/' -e 's/^description=.*/description=GET \//' -e 's/^classname=.*/classname=huntbook.Root/' \
    -e '/^extended.plugins=/d' "$home/modules/transport-netty4/plugin-descriptor.properties" >"$folder/plugin-descriptor.properties"

  # The official archive brings libzstd; the system's serves as well, and without one
  # there are warnings in the log.
  local zstd
  zstd=$(find /usr/lib /lib64 -name libzstd.so.1 2>/dev/null | head -1)
  if [ -n "$zstd" ]; then
    folder=$home/lib/platform/linux-$(uname -m | sed 's/x86_64/x64/')
    mkdir -p "$folder"
    ln -s "$zstd" "$folder/libzstd.so"
  fi
}

# server_configure DIR PORT
server_configure() {
  cat >"$1/config/elasticsearch.yml" <<CONF
node.name: test
path.data: $1/data
path.logs: $1
network.host: 127.0.0.1
http.port: $2
transport.port: 0
discovery.type: single-node
xpack.security.enabled: false
cluster.routing.allocation.disk.threshold_enabled: false
action.destructive_requires_name: false
CONF
  log4j "$1/config"
}

# server_command HOME DIR: sets the array command.
server_command() {
  command=("$JAVA_HOME/bin/java" -Xms1g -Xmx1g -Djava.io.tmpdir="$2/tmp" -Djava.awt.headless=true
    -Des.path.home="$1" -Des.distribution.type=tar -Dorg.elasticsearch.nativeaccess.enableVectorLibrary=false
    -Dlog4j2.disable.jmx=true --enable-native-access=ALL-UNNAMED --add-opens=java.base/java.io=ALL-UNNAMED
    -cp "$1/classes:$1/lib/*" Start "$1" "$2/config")
}

# server_answers PORT
server_answers() {
  curl -fsS -m 5 "http://127.0.0.1:$1/_cluster/health?wait_for_status=yellow&timeout=3s" >/dev/null 2>&1
}
