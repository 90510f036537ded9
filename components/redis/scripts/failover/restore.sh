#!/bin/sh
# restore.sh COPY DATA_DIR... : puts a copy that backup.sh made in place of the data of servers that are stopped.
#
# With an append-only file switched on, Redis loads no snapshot. But a snapshot may be the base of such a file.
set -eu
copy=$1
shift

redis-check-rdb "$copy" > /dev/null
for data; do
  rm -rf "$data/appendonlydir"
  mkdir "$data/appendonlydir"
  cp "$copy" "$data/appendonlydir/appendonly.aof.1.base.rdb"
  echo 'file appendonly.aof.1.base.rdb seq 1 type b' > "$data/appendonlydir/appendonly.aof.manifest"
  # So that the server knows that its data is whole.
  touch "$data/synced"
  echo "restored $data"
done
