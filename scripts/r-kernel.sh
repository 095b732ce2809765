#!/usr/bin/env bash
# Prints "yes" where Jupyter's kernel for R is there with the packages that notebooks in
# R need: as it is, or Debian's, which it installs where it can (as root, with apt-get).
# Elsewhere it prints nothing, says so on standard error, and succeeds: the tests that
# need R then skip.
set -euo pipefail

has_r() { command -v Rscript >/dev/null && Rscript -e 'library(IRkernel); library(httr2); library(jsonlite)' >/dev/null 2>&1; }

if ! has_r && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing Debian's kernel for R" >&2
  "$(dirname "${BASH_SOURCE[0]}")/apt-install.sh" r-cran-irkernel r-cran-httr2 r-cran-jsonlite >&2 || true
fi
if has_r; then
  echo yes
else
  echo "no kernel for R: notebooks in R are not run (install IRkernel, httr2 and jsonlite)" >&2
fi
