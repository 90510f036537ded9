#!/bin/sh
# Installs the programs that the tests run for real and that no Go module or wheel brings.
# Does nothing where they are there; needs root on Debian or Ubuntu only where they are missing.
set -eu

missing=
for pair in redis-server:redis-server redis-cli:redis-tools; do
  command -v "${pair%%:*}" > /dev/null || missing="$missing ${pair##*:}"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get > /dev/null || [ "$(id -u)" != 0 ]; then
  echo "The tests need these packages; install them as your system does and try again:$missing" >&2
  exit 1
fi
echo "Installing$missing (Debian packages, for the tests)"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# The servers are started by the tests; a service of the package's own would only hold the port.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' > "$policy"
  chmod +x "$policy"
  trap 'rm -f "$log" "$policy"' EXIT
fi
# One word for each package.
# shellcheck disable=SC2086
if ! { apt-get update && apt-get install -y --no-install-recommends $missing; } > "$log" 2>&1; then
  tail -n 20 "$log" >&2
  echo "apt-get could not install$missing" >&2
  exit 1
fi
