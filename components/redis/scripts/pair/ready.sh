#!/bin/sh
# Succeeds when this server may take clients: a primary that answers, or a replica that has caught up once.
set -eu

REDISCLI_AUTH=$(cat "${SECRET_DIR:-/etc/redis-secret}/password")
export REDISCLI_AUTH
info=$(redis-cli -p "${REDIS_PORT:-6379}" info replication | tr -d '\r')

case $info in
  *role:master*) exit 0 ;;
  *master_link_status:up*) exit 0 ;;
esac
echo "replica without a link to its primary" >&2
exit 1
