# shellcheck shell=sh
# shellcheck disable=SC2034 # what the scripts that source this use
#
# What the scripts of a pod share; sourced, never run.
#
# Environment: POD_NAME (redis-sfs-<ordinal>), POD_DOMAIN (that of the headless Service);
# TLS_DIR (tls.crt, tls.key, ca.crt) where connections are encrypted; and, to run outside a pod, the folders.
: "${POD_NAME:?}" "${POD_DOMAIN:?}"

CONFIG_DIR=${CONFIG_DIR:-/etc/redis-config}
SECRET_DIR=${SECRET_DIR:-/etc/redis-secret}
STATE_DIR=${STATE_DIR:-/etc/redis-state}
DATA_DIR=${DATA_DIR:-/data}
SENTINEL_DIR=${SENTINEL_DIR:-/sentinel}
RUN_DIR=${RUN_DIR:-/run/redis}

PORT=6379
SENTINEL_PORT=26379
# The name that clients ask Sentinel for.
PRIMARY_NAME=mymaster
ORDINAL=${POD_NAME##*-}

# count NUMBER... : sets INSTANCES and MAJORITY.
#
# The kubelet renews the file up to two minutes after an edit, and for so long pods read different numbers. To count too
# few would take a minority for a majority. So what proves that there are more goes before the file: this pod's own
# ordinal, and the numbers that are given, of Sentinels that somebody knows.
count() {
  read -r INSTANCES < "$CONFIG_DIR/instances" || [ -n "$INSTANCES" ]
  for number in $((ORDINAL + 1)) "$@"; do
    [ "$INSTANCES" -ge "$number" ] || INSTANCES=$number
  done
  MAJORITY=$((INSTANCES / 2 + 1))
}
# No Sentinel has been asked yet.
count 0

host() {
  echo "${POD_NAME%-*}-$1.$POD_DOMAIN"
}

# Names, never addresses: a pod that is made anew has another address.
SELF=$(host "$ORDINAL")

log() {
  echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) ${0##*/}: $*" >&2
}

# cli USER HOST PORT COMMAND... : one command, within 2 s. The password never shows in a list of processes.
cli() (
  user=$1 to=$2 port=$3
  shift 3
  [ "$to" != "$SELF" ] || to=127.0.0.1
  set -- -h "$to" -p "$port" --user "$user" "$@"
  [ -z "${TLS_DIR:-}" ] || set -- --tls --cacert "$TLS_DIR/ca.crt" "$@"
  # Builtins where they do: a hand-over is made of dozens of these. The file has no newline at its end.
  read -r REDISCLI_AUTH < "$SECRET_DIR/$user" || [ -n "$REDISCLI_AUTH" ]
  export REDISCLI_AUTH
  exec timeout 2 redis-cli "$@" 2>/dev/null
)

ordinals() {
  ordinal=0
  while [ "$ordinal" -lt "$INSTANCES" ]; do
    echo "$ordinal"
    ordinal=$((ordinal + 1))
  done
}

peers() {
  ordinals | grep -vx "$ORDINAL"
}

replication() {
  cli sentinel "$1" "$PORT" info replication | tr -d '\r'
}

is_primary() {
  replication "$1" | grep -q '^role:master'
}

# views ORDINAL... : the configuration epoch, the primary and the number of Sentinels, as each Sentinel knows them that
# answers, a line each.
views() {
  for ordinal in "$@"; do
    cli sentinel "$(host "$ordinal")" "$SENTINEL_PORT" sentinel master "$PRIMARY_NAME" |
      while read -r key && read -r value; do
        case $key in
          ip) primary=$value ;;
          config-epoch) election=$value ;;
          num-other-sentinels) echo "$election $primary $((value + 1))" ;;
        esac
      done
  done
}

# The view of the highest epoch is the newest one; a Sentinel that was cut off may still tell an old one.
newest() {
  sort -rn | head -n 1
}

# Whether this Redis has ever held data, as far as can be told from outside the pod's own volumes.
# Not being able to tell counts as having lived.
lived() {
  [ ! -d "$STATE_DIR" ] || [ -e "$STATE_DIR/lived" ]
}

# users FILE : an ACL file from lines of user and rules. Each user has three passwords: the next version's is
# accepted before anybody uses it, and the last one's until the version after. So pods and clients of
# neighbouring versions always understand each other.
users() {
  echo 'user default off resetpass -@all'
  while read -r user rules; do
    printf 'user %s on' "$user"
    for file in "$SECRET_DIR/$user" "$SECRET_DIR/$user-next" "$SECRET_DIR/$user-previous"; do
      printf ' #%s' "$(sha256sum < "$file" | cut -d ' ' -f 1)"
    done
    echo " $rules"
  done < "$1"
}

# What both servers need where connections are encrypted; clients prove themselves by their passwords.
tls() {
  [ -n "${TLS_DIR:-}" ] || return 0
  echo "port 0"
  echo "tls-port $1"
  echo "tls-replication yes"
  echo "tls-auth-clients no"
  echo "tls-cert-file $TLS_DIR/tls.crt"
  echo "tls-key-file $TLS_DIR/tls.key"
  echo "tls-ca-cert-file $TLS_DIR/ca.crt"
}
