#!/bin/sh
# Sentinel runs this for every event of note (notification-script): EVENT DESCRIPTION.
#
# As soon as the Sentinel that leads a failover has chosen the next primary, the other replicas leave the old one.
# Sentinel itself moves them only up to a second after the promotion; an old primary that wakes up in between could
# have its writes acknowledged by them, and those would be lost.
set -eu

# A name that never resolves (RFC 6761). Sentinel gives the replicas their new primary, or the old one if that stays.
NOWHERE=left.invalid

[ "$1" = +selected-slave ] || exit 0
# shellcheck source=components/redis/scripts/failover/lib.sh
. "${CONFIG_DIR:-/etc/redis-config}/lib.sh"

# slave <name> <host> <port> @ <primary's name> <host> <port>
read -r _ _ chosen _ _ _ old _ << DESCRIPTION
$2
DESCRIPTION

leave() {
  # Asked right before: by now it may follow the new primary. By the shell alone, since each process costs time.
  case $(cli sentinel "$1" "$PORT" info replication) in
    *"master_host:$old"[!a-z0-9.-]*)
      cli sentinel "$1" "$PORT" replicaof "$NOWHERE" "$PORT" > "$RUN_DIR/fence-$2"
      log "$1 left $old"
      ;;
  esac
}

for ordinal in $(ordinals); do
  [ "$(host "$ordinal")" = "$chosen" ] || leave "$(host "$ordinal")" "$ordinal" &
done
wait
