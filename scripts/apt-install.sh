#!/usr/bin/env bash
# Installs Debian packages without what they only recommend, as root. Waits for
# another apt-get that runs, a few minutes at most. Everything goes to standard
# error, so that scripts whose output is read can call it.
#   scripts/apt-install.sh PACKAGE...
set -euo pipefail
exec >&2

export DEBIAN_FRONTEND=noninteractive
apt() { apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -o Acquire::http::Timeout=60 "$@" </dev/null; }

# "update" does not wait for its lock, and old lists are better than none.
for try in 1 2 3 4 5 6; do
  if apt update; then break; fi
  if [ "$try" = 6 ]; then echo "apt-get update failed; going on with the lists there are"; else sleep 10; fi
done
apt install -y --no-install-recommends "$@"
