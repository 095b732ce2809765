#!/usr/bin/env bash
# Prints the path of a Chromium or Chrome that starts: $CHROME, one on PATH, or
# Debian's, which it installs where it can (as root, with apt-get). Where there is
# none it prints nothing, says so on standard error, and succeeds: the tests that
# need a browser then skip.
set -euo pipefail

find_chrome() {
  local name path
  for name in "${CHROME:-}" chromium chromium-browser google-chrome google-chrome-stable \
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"; do
    # Some systems ship a chromium that only says how to install the real one.
    if path=$(command -v "$name") && "$path" --version >/dev/null 2>&1; then
      echo "$path"
      return 0
    fi
  done
  return 1
}

if find_chrome; then
  exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing Debian's chromium for the browser tests" >&2
  "$(dirname "${BASH_SOURCE[0]}")/apt-install.sh" chromium && find_chrome && exit 0
fi
echo "no Chromium: tests in a browser are skipped (install Chromium, or set CHROME to one)" >&2
