"""What a machine must have for real nodes."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

from sandbox.cluster.real import cgroups
from sandbox.cluster.real.namespaces import UNSHARE
from sandbox.folder import PROJECT

_GIBIBYTE = 1 << 30
# Measured: 1.0 GB of memory for control plane, three nodes and CoreDNS, the rest is room for pods; 0.6 GB of disk for
# the images and 0.3 GB for a cluster, the rest is room for volumes, as one with less would evict pods soon.
_MEMORY_GIBIBYTES = 2
_DISK_GIBIBYTES = 4
_PACKAGES = {
    "containerd": "containerd",
    "containerd-shim-runc-v2": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "nft": "nftables",
    "ip": "iproute2",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "mount": "mount",
    "openssl": "openssl",
}
_CNI_FOLDERS = (Path("/usr/lib/cni"), Path("/opt/cni/bin"))
_CNI_PLUGINS = ("bridge", "host-local", "loopback")
# Each line is tried in namespaces of its own, in this order; the text is what is missing if it fails.
_PROBES = (
    ("a network bridge (kernel module bridge)", "ip link add probe0 type bridge"),
    ("virtual cables (kernel module veth)", "ip link add probe1 type veth peer name probe2"),
    (
        "nftables with address translation (kernel modules nf_tables, nft_chain_nat, nft_masq, nft_fib_inet)",
        "nft add table ip probe && nft 'add chain ip probe nat { type nat hook postrouting priority 100; }' "
        "&& nft add rule ip probe nat fib daddr type local masquerade",
    ),
    (
        "overlayfs on the disk of the sandbox's folder (kernel module overlay)",
        'mkdir low up work all && mount -t overlay -o "lowerdir=low,upperdir=up,workdir=work" overlay all',
    ),
)


def missing(folder: Path = PROJECT) -> str | None:
    """Return one sentence that says what this machine lacks for real nodes in `folder`, or None."""
    place = _existing(folder)
    return _no_system() or _no_programs() or _no_control_groups() or _no_kernel(place) or _no_room(place)


def cni_plugins() -> Path:
    """Return the folder of the CNI plugins, Debian's if there are several."""
    return next((folder for folder in _CNI_FOLDERS if _has_plugins(folder)), _CNI_FOLDERS[0])


def _has_plugins(folder: Path) -> bool:
    return all((folder / plugin).exists() for plugin in _CNI_PLUGINS)


def _no_system() -> str | None:
    if platform.system() != "Linux":
        return f"Real nodes need Linux; this machine runs {platform.system()}."
    if os.geteuid() != 0:
        return f"Real nodes need root; you are the user with id {os.geteuid()}."
    return None


def _no_programs() -> str | None:
    packages = {package for program, package in _PACKAGES.items() if shutil.which(program) is None}
    if not _has_plugins(cni_plugins()):
        packages.add("containernetworking-plugins")
    if packages:
        names = " ".join(sorted(packages))
        return f"Real nodes need Debian's packages {names}: install them with `sandbox/debian-packages.sh`."
    return None


def _no_control_groups() -> str | None:
    lack = cgroups.lacking()
    return f"Real nodes need {lack}, which this machine hasn't." if lack else None


def _no_kernel(folder: Path) -> str | None:
    with tempfile.TemporaryDirectory(dir=folder, prefix=".probe-") as scratch:
        for needed, probe in (("namespaces for processes, network and mounts", "true"), *_PROBES):
            run = subprocess.run(
                [*UNSHARE, "sh", "-c", probe], cwd=scratch, capture_output=True, text=True, check=False
            )
            if run.returncode:
                reason = (run.stderr.strip().splitlines() or ["no reason given"])[-1]
                return f"Real nodes need {needed}, which this machine refuses: {reason}"
    return None


def _no_room(folder: Path) -> str | None:
    memory = _available_memory() / _GIBIBYTE
    if memory < _MEMORY_GIBIBYTES:
        return f"Real nodes need {_MEMORY_GIBIBYTES} GiB of free memory; {memory:.1f} GiB are available."
    disk = shutil.disk_usage(folder).free / _GIBIBYTE
    if disk < _DISK_GIBIBYTES:
        return f"Real nodes need {_DISK_GIBIBYTES} GiB of free disk at {folder}; {disk:.1f} GiB are available."
    return None


def _available_memory() -> int:
    lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    return int(lines["MemAvailable"].split()[0]) * 1024


def _existing(folder: Path) -> Path:
    """Return `folder`, or its nearest parent that exists."""
    return next(path for path in (folder, *folder.parents) if path.exists())
