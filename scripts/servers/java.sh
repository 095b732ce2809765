# Sourced: java_home LEAST prints the folder of a JDK of at least that version, which
# has javac and jar too: $JAVA_HOME, the one on PATH, or one where Debian puts them.

java_home() {
  local least=$1 home version
  for home in "${JAVA_HOME:-}" "$(on_path)" /usr/lib/jvm/*; do
    [ -x "$home/bin/javac" ] || continue
    version=$("$home/bin/javac" -version 2>&1 | sed -n 's/^javac \([0-9]*\).*/\1/p')
    if [ "${version:-0}" -ge "$least" ]; then
      echo "$home"
      return
    fi
  done
  echo "no JDK $least or newer (set JAVA_HOME to one)" >&2
  return 1
}

on_path() {
  local javac
  if javac=$(command -v javac); then
    dirname "$(dirname "$(readlink -f "$javac")")"
  fi
}
