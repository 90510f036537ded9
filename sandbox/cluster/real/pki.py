"""Certificates and kubeconfigs of the nodes' programs, signed by the control plane's own authority."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from sandbox import kubeconfig
from sandbox.cluster import kwokctl
from sandbox.cluster.real.layout import API_PORT, GATEWAY
from sandbox.errors import SandboxError

if TYPE_CHECKING:
    from pathlib import Path

_DAYS = 3650


def authority(cluster: Path) -> Path:
    """Return the certificate of the authority that all parts of the cluster trust."""
    return kwokctl.work_folder(cluster) / "pki" / "ca.crt"


def sign(cluster: Path, target: Path, subject: str, names: str) -> None:
    """Write a key and a certificate for client and server to `target`.key and `target`.crt.

    `subject` and `names` (the subject's alternative names) are written as OpenSSL's command line has them.
    """
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-CA", str(authority(cluster)), "-CAkey", str(authority(cluster).with_suffix(".key"))]
    command += ["-subj", subject, "-days", str(_DAYS), "-keyout", f"{target}.key", "-out", f"{target}.crt"]
    command += ["-addext", f"subjectAltName={names}", "-addext", "extendedKeyUsage=serverAuth,clientAuth"]
    command += ["-addext", "basicConstraints=critical,CA:FALSE"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, umask=0o077)
    if run.returncode:
        raise SandboxError(f"openssl could not sign {target.name}:\n{run.stderr.strip()}")


def write_kubeconfig(cluster: Path, target: Path, key_pair: Path) -> None:
    """Write a kubeconfig that reaches the API server over the bridge as the one whom `key_pair` names."""
    server = {"server": f"https://{GATEWAY}:{API_PORT}", "certificate-authority": str(authority(cluster))}
    user = {"client-certificate": f"{key_pair}.crt", "client-key": f"{key_pair}.key"}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "sandbox", "cluster": server}],
        "users": [{"name": "user", "user": user}],
        "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": "user"}}],
        "current-context": "sandbox",
    }
    kubeconfig.write(target, content)
