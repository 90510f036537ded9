#!/bin/sh
# Runs before the server is stopped on purpose: a primary hands its role to a replica that has every write.
#
# Sentinel's own command for it would promote a replica without waiting for the last writes, and look at it once a second
# only while clients wait. So this does what a Sentinel that leads a failover does, in the same protocol: it has one
# elected for an epoch of its own, promotes a replica, and announces it to all Sentinels. Where that fails nothing is
# lost: the server stops, and Sentinel promotes the best replica after its usual time.
set -eu
# shellcheck source=components/redis/scripts/failover/lib.sh
. "${CONFIG_DIR:-/etc/redis-config}/lib.sh"

# Longest time that writes are held back.
PAUSE_MS=3000

own() {
  cli sentinel "$SELF" "$PORT" "$@"
}

sentinel() {
  ordinal=$1
  shift
  cli sentinel "$(host "$ordinal")" "$SENTINEL_PORT" "$@"
}

field() {
  sed -n "s/^$1://p"
}

# within TIMES COMMAND... : tries it so often, about 15 times a second.
within() {
  left=$1
  shift
  until "$@"; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || return 1
    sleep 0.05
  done
}

linked() {
  echo "$state" | grep -q "^slave[0-9]*:ip=$1,port=$PORT,state=online,.*,lag=[01]$"
}

# Low ordinals first: they stay when there are to be fewer. In an update all of them have been renewed already.
choose_target() {
  for chosen in $(peers); do
    target=$(host "$chosen")
    ! linked "$target" || return 0
  done
  return 1
}

# ID ORDINAL of each Sentinel that answers.
identities() {
  for ordinal in $(ordinals); do
    id=$(sentinel "$ordinal" sentinel myid) && echo "$id $ordinal" &
  done
  wait
}

# Sets who announces the new primary: the Sentinel beside it, which is to be elected, and to that one another.
choose_announcers() {
  view=$(views "$chosen")
  [ -n "$view" ] || return 1
  # It would itself need a majority of those that it knows.
  count "${view##* }"
  epoch=$((${view%% *} + 1))
  known=$(identities)
  candidate=$(echo "$known" | grep " $chosen$")
  witness=$(echo "$known" | grep -v " $chosen$" | head -n 1)
  [ -n "$candidate" ] && [ -n "$witness" ]
}

# Whom each Sentinel has voted for last, and for which epoch, which is asked for a vote for this one.
votes() {
  for ordinal in $(ordinals); do
    sentinel "$ordinal" sentinel is-master-down-by-addr "$SELF" "$PORT" "$epoch" "${candidate% *}" |
      tr '\n' ' ' | cut -d ' ' -f 2,3 &
  done
  wait
}

# An epoch is won once only, so no failover of the same epoch can name another primary.
elected() {
  cast=$(votes)
  won=$(echo "$cast" | grep -cx "${candidate% *} $epoch") || true
  [ "$won" -lt "$MAJORITY" ] || return 0
  last=$(echo "$cast" | cut -d ' ' -f 2 | sort -rn | head -n 1)
  [ "$epoch" -gt "${last:-0}" ] || epoch=$last
  epoch=$((epoch + 1))
  return 1
}

caught_up() {
  written=$(replication "$SELF" | field master_repl_offset)
  received=$(replication "$target" | field slave_repl_offset)
  [ "$written" = "$received" ]
}

# What Sentinels tell each other every 2 s, with the epoch that was won: all follow the highest.
announce_to() {
  by=$candidate
  [ "$1" != "$chosen" ] || by=$witness
  hello=$(host "${by#* }"),$SENTINEL_PORT,${by% *},$epoch,$PRIMARY_NAME,$target,$PORT,$epoch
  sentinel "$1" publish __sentinel__:hello "$hello"
}

# Nobody is waited for, since one may be away.
announce() {
  : > "$RUN_DIR/announced"
  for ordinal in $(ordinals); do
    announce_to "$ordinal" >> "$RUN_DIR/announced" &
  done
  # Sentinel would move the other replicas some seconds later, and without one the new primary takes no writes.
  for ordinal in $(peers); do
    [ "$ordinal" = "$chosen" ] || cli sentinel "$(host "$ordinal")" "$PORT" replicaof "$target" "$PORT" > /dev/null &
  done
}

announced() {
  [ "$(grep -cx 1 "$RUN_DIR/announced")" -ge "$MAJORITY" ]
}

# This server doesn't count: without another replica the new primary would take no writes when it has ended.
supported() {
  others=$(replication "$target" | grep -v "ip=$SELF," | grep -c '^slave[0-9]*:.*,state=online,') || true
  [ "$others" -ge $((INSTANCES / 2)) ]
}

# Prints what stood in the way.
hand_over() {
  choose_announcers || { echo "too few Sentinels answer"; return; }
  within 3 elected || { echo "no majority of Sentinels votes for it"; return; }
  own client pause "$PAUSE_MS" write > "$RUN_DIR/handover"
  within 15 caught_up || { echo "it lags behind: $received of $written"; return; }
  answer=$(cli sentinel "$target" "$PORT" replicaof no one)
  [ "$answer" = OK ] || { echo "it answers: $answer"; return; }
  announce
  within 30 announced || log "not all Sentinels know it yet"
  # Held-back writes are refused now, and clients ask for the new primary. The own Sentinel lingers until then.
  own replicaof "$target" "$PORT" > "$RUN_DIR/handover"
  own client unpause > "$RUN_DIR/handover"
  within 60 supported || log "$target has only $others replicas besides this one"
}

no_rewrite() {
  own info persistence | grep -q '^aof_rewrite_in_progress:0'
}

[ ! -e "$RUN_DIR/waiting" ] || exit 0
state=$(replication "$SELF")
if is_primary "$SELF" && choose_target; then
  obstacle=$(hand_over)
  log "${obstacle:+not }handed over to $target${obstacle:+: $obstacle}"
  own client unpause > "$RUN_DIR/handover"
fi
# A server that writes its first append-only file ignores the signal to stop.
within 150 no_rewrite || true
