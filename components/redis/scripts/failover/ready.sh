#!/bin/sh
# Succeeds when this server may take clients: a primary that answers, or a replica with a link to its primary.
set -eu
# shellcheck source=components/redis/scripts/failover/lib.sh
. "${CONFIG_DIR:-/etc/redis-config}/lib.sh"

case $(cli monitor "$SELF" "$PORT" info replication) in
  *role:master*) exit 0 ;;
  *master_link_status:up*) exit 0 ;;
esac
echo "neither a primary nor a replica with a link to one" >&2
exit 1
