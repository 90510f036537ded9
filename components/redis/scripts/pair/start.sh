#!/bin/sh
# Starts one server: ordinal 0 is the primary at first boot, the others replicate from it.
#
# Environment: POD_NAME (name of the StatefulSet's pod), PRIMARY_HOST, MAX_MEMORY (bytes),
# and, to run outside a pod: REDIS_PORT, PRIMARY_PORT, CONFIG_DIR, DATA_DIR, RUN_DIR, SECRET_DIR.
set -eu

: "${POD_NAME:?}" "${PRIMARY_HOST:?}" "${MAX_MEMORY:?}"
port=${REDIS_PORT:-6379}
run_dir=${RUN_DIR:-/run/redis}
# As a configuration file wants it, whatever characters it has.
quoted=\"$(sed 's/[\\"]/\\&/g' "${SECRET_DIR:-/etc/redis-secret}/password")\"
ordinal=${POD_NAME##*-}

# Passwords go through a file that only this user reads, never through the command line.
umask 077
{
  echo "port $port"
  echo "dir ${DATA_DIR:-/data}"
  echo "maxmemory $MAX_MEMORY"
  # By printf, since some shells' echo takes the backslashes for its own.
  printf 'requirepass %s\nmasterauth %s\n' "$quoted" "$quoted"
  if [ "$ordinal" != 0 ]; then
    echo "replicaof $PRIMARY_HOST ${PRIMARY_PORT:-6379}"
  fi
} > "$run_dir/server.conf"

exec redis-server "${CONFIG_DIR:-/etc/redis-config}/redis.conf" --include "$run_dir/server.conf"
