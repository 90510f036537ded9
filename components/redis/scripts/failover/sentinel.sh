#!/bin/sh
# Starts one Sentinel with what it remembers; without a memory, with what its peers say; at first boot with ordinal 0.
set -eu
# shellcheck source=components/redis/scripts/failover/lib.sh
. "${CONFIG_DIR:-/etc/redis-config}/lib.sh"

# How long the primary must be silent before it is given up. Above that a stall of the node would move it for nothing.
DOWN_AFTER_MS=3000
# An election that nobody won is repeated after twice this time.
FAILOVER_TIMEOUT_MS=3000
# All replicas at once, however many they become: a partial copy costs little, and the new primary takes no writes before
# it has replicas.
PARALLEL_SYNCS=1000
# How long it may be held up and still trust its clock.
TILT_TRIGGER_MS=20000
# How often it looks at every server.
LOOK_MS=1000
# Looks, a second apart, before no answer of any peer means that there is none.
LOOKS=3

memory=$SENTINEL_DIR/sentinel.conf

remembered() {
  [ ! -e "$memory" ] || sed -n 's/^sentinel monitor [^ ]* \([^ ]*\) .*/\1/p' "$memory"
}

known_to_peers() {
  # shellcheck disable=SC2046 # one argument a peer
  views $(peers) | newest | cut -d ' ' -f 2
}

find_primary() {
  look=0
  primary=$(remembered)
  while [ -z "$primary" ]; do
    touch "$RUN_DIR/waiting"
    primary=$(known_to_peers)
    look=$((look + 1))
    if [ -z "$primary" ] && [ "$look" -ge "$LOOKS" ] && ! lived; then
      primary=$(host 0)
    fi
    [ -n "$primary" ] || sleep 1
  done
}

# Who was there, and which elections were held. Members that the StatefulSet no longer has are forgotten: our controller
# sees to that only when all pods are ready, and they never would be if those that are gone were the majority.
history() {
  [ -e "$memory" ] || return 0
  grep -E '^sentinel (myid|config-epoch|leader-epoch|current-epoch|known-replica|known-sentinel) ' "$memory" |
    while read -r sentinel what of member rest; do
      case $what in
        known-*)
          pod=${member%%.*}
          [ "${pod##*-}" -lt "$INSTANCES" ] || continue
          ;;
      esac
      echo "$sentinel $what $of $member $rest"
    done
}

configuration() {
  echo "include $CONFIG_DIR/sentinel.conf"
  echo "port $SENTINEL_PORT"
  echo "dir $SENTINEL_DIR"
  echo "aclfile $RUN_DIR/users.acl"
  echo "sentinel announce-ip $SELF"
  echo "sentinel announce-port $SENTINEL_PORT"
  echo "sentinel sentinel-user sentinel"
  echo "sentinel sentinel-pass $(cat "$SECRET_DIR/sentinel")"
  tls "$SENTINEL_PORT"
  # The quorum is how many must agree that the primary is down; our controller keeps it true. To promote somebody
  # always takes a majority of the Sentinels that are known.
  echo "sentinel monitor $PRIMARY_NAME $primary $PORT $MAJORITY"
  echo "sentinel down-after-milliseconds $PRIMARY_NAME $DOWN_AFTER_MS"
  echo "sentinel failover-timeout $PRIMARY_NAME $FAILOVER_TIMEOUT_MS"
  echo "sentinel parallel-syncs $PRIMARY_NAME $PARALLEL_SYNCS"
  echo "sentinel notification-script $PRIMARY_NAME $CONFIG_DIR/fence.sh"
  echo "sentinel auth-user $PRIMARY_NAME sentinel"
  echo "sentinel auth-pass $PRIMARY_NAME $(cat "$SECRET_DIR/sentinel")"
  history
}

# What there is no setting for, only a command (Redis 7.0 and later).
#
# A Sentinel that lost more than 2 s distrusts its clock and does nothing for half a minute (TILT). But it loses them
# by waiting for names, when a node goes with the primary and one of the DNS servers; after that half minute replicas
# count as too old to be promoted.
#
# It looks at servers every 10 s. If in between a former primary becomes a replica and is promoted again, it takes it for
# one that has claimed to be the primary for long, and makes it a replica (+convert-to-slave, after 8 s). Then nobody
# leads for a quarter of a minute and more, since a primary that says it is a replica counts as down after another 23 s.
tune() {
  until [ "$(cli sentinel "$SELF" "$SENTINEL_PORT" sentinel debug \
    tilt-trigger "$TILT_TRIGGER_MS" info-period "$LOOK_MS")" = OK ]; do
    sleep 0.5
  done
}

umask 077
trap 'exit 0' TERM
find_primary
log "monitors $primary"
users "$CONFIG_DIR/sentinel.acl" > "$RUN_DIR/users.acl"
configuration > "$memory.new"
mv "$memory.new" "$memory"
rm -f "$RUN_DIR/waiting"
tune &
exec redis-sentinel "$memory"
