#!/bin/sh
# Succeeds while the server answers at all; loading a large file or a slow script counts as alive.
set -eu

REDISCLI_AUTH=$(cat "${SECRET_DIR:-/etc/redis-secret}/password")
export REDISCLI_AUTH
answer=$(redis-cli -p "${REDIS_PORT:-6379}" ping)

case $answer in
  PONG | LOADING* | BUSY* | MASTERDOWN*) exit 0 ;;
esac
echo "$answer" >&2
exit 1
