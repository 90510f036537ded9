#!/bin/sh
# Runs beside a server that has just started, until it may be promoted: as soon as it has all of its primary's data.
set -eu
# shellcheck source=components/redis/scripts/failover/lib.sh
. "${CONFIG_DIR:-/etc/redis-config}/lib.sh"

# Seconds without a primary after which old data of one's own is better than none. Lower numbers are promoted first,
# so whoever has all the data (100) goes before.
LAST_RESORT=60

[ ! -e "$DATA_DIR/synced" ] || had_data=yes
since=$(date +%s)
while sleep 0.5; do
  case $(replication "$SELF") in
    *role:master*) ;;
    *master_link_status:up*) cli sentinel "$SELF" "$PORT" config set replica-priority 100 > "$RUN_DIR/promotable" ;;
    *role:slave*)
      if [ -n "${had_data:-}" ] && [ $(($(date +%s) - since)) -gt "$LAST_RESORT" ]; then
        log "no primary for $LAST_RESORT s: this server may be promoted with what it had"
        cli sentinel "$SELF" "$PORT" config set replica-priority 200 > "$RUN_DIR/promotable"
        had_data=
      fi
      continue
      ;;
    *) continue ;;
  esac
  touch "$DATA_DIR/synced"
  exit 0
done
