#!/bin/sh
# Copies the data of a replica to BACKUP_DIR and keeps the newest KEEP copies.
#
# Environment: HOST (whom to copy from), BACKUP_DIR, KEEP; TLS_DIR where connections are encrypted; SECRET_DIR in tests.
set -eu
: "${HOST:?}" "${BACKUP_DIR:?}" "${KEEP:?}"

REDISCLI_AUTH=$(cat "${SECRET_DIR:-/etc/redis-secret}/replication")
export REDISCLI_AUTH
copy=$BACKUP_DIR/redis-$(date -u +%Y%m%dT%H%M%SZ).rdb

set -- -h "$HOST" -p 6379 --user replication --rdb "$copy.part"
[ -z "${TLS_DIR:-}" ] || set -- --tls --cacert "$TLS_DIR/ca.crt" "$@"
redis-cli "$@"
redis-check-rdb "$copy.part" > /dev/null
mv "$copy.part" "$copy"
echo "copied to $copy"

# What an interrupted run left is no copy.
rm -f "$BACKUP_DIR"/redis-*.part
# Names sort by time, and the shell sorts them.
printf '%s\n' "$BACKUP_DIR"/redis-*.rdb | head -n "-$KEEP" | while read -r old; do
  rm "$old"
  echo "removed $old"
done
