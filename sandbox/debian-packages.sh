#!/bin/sh
# Installs the programs that no Go module or wheel brings: what the tests run for real, and what real nodes stand on.
# Does nothing where they are there; needs root on Debian or Ubuntu only where they are missing.
set -eu

# Prints the packages of those "program:package" whose program is missing. One that is there is used as it is, wherever
# it comes from: nothing here touches a containerd that the machine already has.
lacking() {
  for pair; do
    command -v "${pair%%:*}" > /dev/null || printf ' %s' "${pair##*:}"
  done
}

missing=$(lacking redis-server:redis-server redis-cli:redis-tools git:git docker-registry:docker-registry)
root=
[ "$(id -u)" != 0 ] || root=yes

if [ "$(uname -s)" = Linux ] && [ -n "$root" ]; then
  nodes=$(lacking containerd:containerd runc:runc iptables:iptables nft:nftables ip:iproute2 openssl:openssl)
  # Redis with Sentinel is tested in network namespaces, so it needs root too.
  nodes="$nodes$(lacking redis-sentinel:redis-sentinel prometheus-redis-exporter:prometheus-redis-exporter)"
  ls /usr/lib/*/faketime/libfaketime.so.1 > /dev/null 2>&1 || nodes="$nodes libfaketime"
  [ -x /usr/lib/cni/bridge ] || [ -x /opt/cni/bin/bridge ] || nodes="$nodes containernetworking-plugins"
  if command -v containerd > /dev/null && containerd --version | grep -Eq ' v?1\.[0-5]\.'; then
    echo "The containerd on PATH is older than 1.6 and is left as it is: real nodes may fail on it." >&2
  fi
  if command -v apt-get > /dev/null; then
    missing="$missing$nodes"
  elif [ -n "$nodes" ]; then
    echo "Real nodes and Redis with Sentinel are left out: they need these packages:$nodes" >&2
  fi
else
  echo "Real nodes and Redis with Sentinel are left out: they need root on Linux." >&2
fi
[ -n "$missing" ] || exit 0

if [ -z "$root" ] || ! command -v apt-get > /dev/null; then
  echo "The tests need these packages; install them as your system does and try again:$missing" >&2
  exit 1
fi
echo "Installing$missing (Debian packages, for the tests and for real nodes)"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# The servers are started by the tests and the sandbox; a service of the package's own would only be in the way.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' > "$policy"
  chmod +x "$policy"
  trap 'rm -f "$log" "$policy"' EXIT
fi
# One word for each package.
# shellcheck disable=SC2086
if ! { apt-get update && apt-get install -y --no-install-recommends $missing; } > "$log" 2>&1; then
  tail -n 20 "$log" >&2
  echo "apt-get could not install$missing" >&2
  exit 1
fi
