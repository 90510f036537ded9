#!/bin/sh
# Starts one server, as the primary or as a replica: which one is Sentinel's to say, not the ordinal's.
#
# A server never becomes the primary by coming back. While a peer holds all the data, it waits until Sentinel has
# promoted that one, since its own file may lack what it acknowledged last.
set -eu
# shellcheck source=components/redis/scripts/failover/lib.sh
. "${CONFIG_DIR:-/etc/redis-config}/lib.sh"
: "${MAX_MEMORY:?}" "${EVICTION_POLICY:?}"

# Looks, a second apart, that must agree before a server takes the role without an election.
LOOKS=3
# Looks after which a peer that Sentinel doesn't promote no longer stands in the way.
PATIENCE=60

# Written as soon as this server has held all the data, so it goes with the volume.
holds_data() {
  [ -e "$DATA_DIR/synced" ]
}

# Whether some peer could be promoted, or is the primary already.
peers_hold_data() {
  for peer in $(peers); do
    case $(replication "$(host "$peer")") in
      *role:master*) return 0 ;;
      *slave_priority:0*) ;;
      *slave_priority:*) return 0 ;;
    esac
  done
  return 1
}

first_boot() {
  [ "$ORDINAL" = 0 ] && [ "$epoch" = 0 ] && ! lived
}

# Sets `decision` to primary, replica or wait, and `reason`.
decide() {
  # shellcheck disable=SC2086 # one argument a number
  count $known
  # shellcheck disable=SC2046 # one argument an ordinal
  seen=$(views $(ordinals))
  # For the next look; one alone decides nothing that takes a majority.
  known=$(echo "$seen" | cut -d ' ' -f 3)
  best=$(echo "$seen" | newest | cut -d ' ' -f 1,2)
  epoch=${best% *} primary=${best#* }
  answers=$(echo "$seen" | grep -c .) || true
  decision="wait"
  if [ -z "$best" ]; then
    reason="no Sentinel answers"
  elif [ "$primary" != "$SELF" ]; then
    decision=replica reason="Sentinel names $primary"
  elif [ "$answers" -lt "$MAJORITY" ]; then
    reason="Sentinel names this server, but only $answers of $INSTANCES answer"
  elif peers_hold_data && { ! holds_data || [ "$look" -lt "$PATIENCE" ]; }; then
    reason="a peer holds the data; Sentinel is to promote it"
  elif holds_data; then
    decision=primary reason="Sentinel names this server, and no peer can be promoted"
  elif first_boot; then
    decision=primary reason="first boot"
  else
    reason="this server is empty and was the primary; a peer with the data must come back (see the runbook)"
  fi
}

wait_for_decision() {
  look=0 agreed=0 told='' known=0
  while :; do
    touch "$RUN_DIR/waiting"
    decide
    [ "$told" = "$reason" ] || log "$decision: $reason"
    told=$reason
    case $decision in
      replica) break ;;
      primary) agreed=$((agreed + 1)) ;;
      *) agreed=0 ;;
    esac
    [ "$agreed" -lt "$LOOKS" ] || break
    look=$((look + 1))
    sleep 1
  done
}

configuration() {
  echo "include $CONFIG_DIR/redis.conf"
  echo "dir $DATA_DIR"
  echo "port $PORT"
  echo "replica-announce-ip $SELF"
  echo "maxmemory $MAX_MEMORY"
  echo "maxmemory-policy $EVICTION_POLICY"
  # What a replica may lag behind in the primary's memory before it is cut off, out of what maxmemory leaves.
  echo "client-output-buffer-limit replica $((MAX_MEMORY / 6)) $((MAX_MEMORY / 6)) 60"
  # With the primary itself a majority, so that two primaries never both take writes for long.
  echo "min-replicas-to-write $((INSTANCES / 2))"
  echo "aclfile $RUN_DIR/users.acl"
  echo "masteruser replication"
  echo "masterauth $(cat "$SECRET_DIR/replication")"
  tls "$PORT"
  if [ "$decision" = replica ]; then
    echo "replicaof $primary $PORT"
    # Nobody may promote a server before it has all the data; promotable.sh ends that.
    echo "replica-priority 0"
  fi
}

umask 077
trap 'exit 0' TERM
wait_for_decision
users "$CONFIG_DIR/server.acl" > "$RUN_DIR/users.acl"
configuration > "$RUN_DIR/server.conf"
sh "$CONFIG_DIR/promotable.sh" &
rm -f "$RUN_DIR/waiting"
exec redis-server "$RUN_DIR/server.conf"
