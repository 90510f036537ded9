#!/bin/sh
# Runs before a Sentinel is stopped on purpose: while its server hands over, the Sentinel is needed.
set -eu
# shellcheck source=components/redis/scripts/failover/lib.sh
. "${CONFIG_DIR:-/etc/redis-config}/lib.sh"

# Tenths of a second, longer than a hand-over takes.
left=250
while [ "$left" -gt 0 ] && is_primary "$SELF"; do
  left=$((left - 1))
  sleep 0.1
done
