#!/bin/sh
# Debian packages that the whole test suite uses: a real browser, a real proxy, a load generator.
# Where they cannot be installed (no root, another system) the tests that need them skip and say so.
set -u
missing=""
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
command -v nginx >/dev/null 2>&1 || missing="$missing nginx"
[ -z "$missing" ] && exit 0
if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" != 0 ]; then
  echo "not installed:$missing (needs root on Debian or Ubuntu); tests that need them will be skipped"
  exit 0
fi
echo "installing$missing"
log=$(mktemp)
if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } >"$log" 2>&1; then
  tail -n 5 "$log"
  echo "could not install$missing; tests that need them will be skipped"
fi
rm -f "$log"
exit 0
