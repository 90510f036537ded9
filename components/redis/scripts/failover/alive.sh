#!/bin/sh
# Succeeds while the process of this port answers at all, and while start.sh or sentinel.sh waits on purpose.
# Loading a large file, a slow script, a lost primary and a full disk count as alive: a restart would only cost time.
set -eu
# shellcheck source=components/redis/scripts/failover/lib.sh
. "${CONFIG_DIR:-/etc/redis-config}/lib.sh"

[ ! -e "$RUN_DIR/waiting" ] || exit 0
answer=$(cli monitor "$SELF" "$1" ping)
case $answer in
  PONG | LOADING* | BUSY* | MASTERDOWN* | MISCONF*) exit 0 ;;
esac
echo "no answer to PING: $answer" >&2
exit 1
