#!/usr/bin/env bash
# Prints the path of a Python that has the packages of requirements.txt or, given a NAME,
# of requirements-NAME.txt: a virtual environment under .cache, made on first use and
# again when the list changes. A line "# pip: OPTIONS" in a list gives pip options that
# lists can't hold. Where that cannot be had it prints nothing, says so on
# standard error, and succeeds: the tests that need it then skip. $HUNTBOOK_PYTHON, with a
# name $HUNTBOOK_NAME_PYTHON, wins when it is set.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

name=${1:-}
variable=HUNTBOOK_$(printf '%s' "${name:+${name}_}" | tr '[:lower:]' '[:upper:]')PYTHON
if [ -n "${!variable:-}" ]; then
  echo "${!variable}"
  exit 0
fi

list=scripts/requirements${name:+-$name}.txt
folder=.cache/python${name:+-$name}
venv=$PWD/$folder

give_up() {
  rm -rf "$venv"
  echo "$1: tests that need the packages of $list are skipped" >&2
  exit 0
}

if cmp -s "$list" "$venv/requirements.txt" && "$venv/bin/python" -c '' 2>/dev/null; then
  echo "$venv/bin/python"
  exit 0
fi

command -v python3 >/dev/null || give_up "no python3"
echo "making a Python environment in $folder" >&2
make_venv() { rm -rf "$venv" && python3 -m venv "$venv" >&2; }
if ! make_venv; then
  # Debian's python3 comes without what venv needs.
  { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && scripts/apt-install.sh python3-venv && make_venv; } ||
    give_up "python3 -m venv does not work"
fi
options=$(sed -n 's/^# pip: //p' "$list")
# shellcheck disable=SC2086 # options are words
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check $options -r "$list" >&2 </dev/null ||
  give_up "pip could not install them"
cp "$list" "$venv/requirements.txt"
echo "$venv/bin/python"
