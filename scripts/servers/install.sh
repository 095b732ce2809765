#!/usr/bin/env bash
# Installs a server for the tests and prints its folder.
#   scripts/servers/install.sh elasticsearch|opensearch|kafka
# Its jars come from Maven Central, or from the repository that $HUNTBOOK_MAVEN (a base
# URL) or Maven's own settings name, and must have the checksums of NAME/sums. It is
# done once: the folder is in $HUNTBOOK_CACHE, by default ~/.cache/huntbook, under a
# name that changes with the files that it is made from.
#   scripts/servers/install.sh --sums NAME
# writes NAME/sums anew, after a change of NAME/pom.xml.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source java.sh

sums=
if [ "${1:-}" = --sums ]; then
  sums=new
  shift
fi
name=${1:?usage: install.sh [--sums] elasticsearch|opensearch|kafka}
source "$name/server.sh"

cache=${HUNTBOOK_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/huntbook}/servers
digest=$(find "$name" install.sh -type f -print0 | sort -z | xargs -0 cat | sha256sum | cut -c1-12)
home=$cache/$name-$digest
if [ -z "$sums" ] && [ -d "$home" ]; then
  echo "$home"
  exit
fi

command -v mvn >/dev/null || { echo "no mvn to fetch $name with (Debian's package maven)" >&2; exit 1; }
JAVA_HOME=$(java_home "$server_java")
export JAVA_HOME
mkdir -p "$cache"
new=$(mktemp -d "$cache/.new-XXXXXX")
trap 'rm -rf "$new"' EXIT

settings=()
if [ -n "${HUNTBOOK_MAVEN:-}" ]; then
  printf '<settings><mirrors><mirror><id>huntbook</id><mirrorOf>central</mirrorOf><url>%s</url></mirror></mirrors></settings>\n' \
    "$HUNTBOOK_MAVEN" >"$new/settings.xml"
  settings=(-s "$new/settings.xml")
fi
echo "fetching the jars of $name" >&2
mvn --batch-mode --quiet "${settings[@]}" -f "$name/pom.xml" \
  org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
  -DincludeScope=runtime -DoutputDirectory="$new/lib" >&2
if [ -n "$sums" ]; then
  (cd "$new/lib" && sha256sum -- *.jar) >"$name/sums"
  exit
fi
(cd "$new/lib" && sha256sum --check --strict --quiet) <"$name/sums" >&2
[ "$(find "$new/lib" -name '*.jar' | wc -l)" = "$(wc -l <"$name/sums")" ] ||
  { echo "$name: jars came that $name/sums does not list" >&2; exit 1; }
server_install "$PWD/$name" "$new" >&2

# Another process may have been faster; its folder is as good.
mv -T "$new" "$home" 2>/dev/null || [ -d "$home" ]
echo "$home"
