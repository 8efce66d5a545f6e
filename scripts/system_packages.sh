#!/bin/sh
# Debian packages by the names of their programs: a real browser, a real proxy, a load generator.
#   sh scripts/system_packages.sh chromium nginx
# Where they cannot be installed (no root, another system) what needs them is skipped and says so.
set -u
missing=""
for program in "$@"; do
  command -v "$program" >/dev/null 2>&1 || [ -x "/usr/sbin/$program" ] || missing="$missing $program"
done
[ -z "$missing" ] && exit 0
if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" != 0 ]; then
  echo "not installed:$missing (needs root on Debian or Ubuntu); what needs them will be skipped"
  exit 0
fi
echo "installing$missing"
log=$(mktemp)
if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } >"$log" 2>&1; then
  tail -n 5 "$log"
  echo "could not install$missing; what needs them will be skipped"
fi
rm -f "$log"
exit 0
