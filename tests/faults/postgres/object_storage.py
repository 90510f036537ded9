"""Object storage in a pod: a real S3-compatible server (gofakes3) behind TLS, on the node that no fault touches.

It takes any login: what it shows is the protocol, the paths and the data, not who may read them.
"""

from pathlib import Path
from typing import Any

from sandbox import images
from sandbox import toolchain as tools
from sandbox.cluster.real import pki
from sandbox.progress import Progress
from tests.faults.postgres.lab import CLIENT_NODE, NAMESPACE, Lab

STORAGE = "object-storage"
_HOST = f"s3.{STORAGE}.svc"
_BUCKET, _LOGIN = "example-dev-postgres", "postgres-wal-backup"
_PORT, _HTTP_PORT, _PLAIN_PORT = 8443, 8080, 9000

WAL_BACKUP: dict[str, Any] = {
    "bucket": _BUCKET,
    "prefix": "lab",
    "endpoint": f"https://{_HOST}:{_PORT}",
    "forcePathStyle": True,
    "credentialsSecret": _LOGIN,
    # Every namespace has it. The storage's certificate is signed by the same authority as the API server's.
    "caConfigMap": "kube-root-ca.crt",
    "schedule": "* * * * *",
}

LOGICAL_BACKUP: dict[str, Any] = {
    "bucket": _BUCKET,
    # Trusts public authorities only, as the published image does.
    "endpoint": f"http://{_HOST}:{_HTTP_PORT}",
    "credentialsSecret": _LOGIN,
    "image": images.reference("logical-backup"),
    "retention": "3 months",
}

_NGINX = f"""
server {{
    listen {_PORT} ssl;
    listen {_HTTP_PORT};
    ssl_certificate /tls/tls.crt;
    ssl_certificate_key /tls/tls.key;
    client_max_body_size 0;
    location / {{
        proxy_pass http://127.0.0.1:{_PLAIN_PORT};
        proxy_set_header Host $http_host;
    }}
}}
"""


def prepare(lab: Lab) -> None:
    """Start the storage, and make the Secret that the settings name."""
    certificate = Path(lab.cluster.kubeconfig).with_name("object-storage")
    pki.sign(lab.cluster.folder, certificate, f"/CN={_HOST}", f"DNS:{_HOST}")
    pair = {"tls.crt": f"{certificate}.crt", "tls.key": f"{certificate}.key"}
    lab.kubectl.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": STORAGE}},
        _object("Secret", "tls", STORAGE, stringData={key: Path(file).read_text() for key, file in pair.items()}),
        _object("ConfigMap", "nginx", STORAGE, data={"default.conf": _NGINX}),
        _object("Service", "s3", STORAGE, spec={"selector": {"app": "s3"}, "ports": _ports()}),
        _object("Pod", "s3", STORAGE, spec=_pod()),
        _object(
            "Secret",
            _LOGIN,
            NAMESPACE,
            stringData={"AWS_ACCESS_KEY_ID": "lab", "AWS_SECRET_ACCESS_KEY": "any-will-do"},
        ),
    )


def _object(kind: str, name: str, namespace: str, **content: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "labels": {"app": name}}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **content}


def _ports() -> list[dict[str, Any]]:
    return [{"name": name, "port": port} for name, port in (("https", _PORT), ("http", _HTTP_PORT))]


def _pod() -> dict[str, Any]:
    program = tools.ensure(["gofakes3"], Progress(quiet=True)).path("gofakes3").resolve()
    server = [f"-host=127.0.0.1:{_PLAIN_PORT}", "-backend=memory", f"-initialbucket={_BUCKET}", "-quiet"]
    return {
        "nodeName": CLIENT_NODE,
        "tolerations": [{"operator": "Exists"}],
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 1,
        "containers": [
            {
                "name": "gofakes3",
                "image": images.reference("toolbox"),
                "command": ["/gofakes3", *server],
                "volumeMounts": [{"name": "program", "mountPath": "/gofakes3"}],
            },
            {
                "name": "tls",
                "image": images.reference("nginx"),
                "volumeMounts": [
                    {"name": "nginx", "mountPath": "/etc/nginx/conf.d"},
                    {"name": "tls", "mountPath": "/tls"},
                ],
            },
        ],
        "volumes": [
            {"name": "program", "hostPath": {"path": str(program), "type": "File"}},
            {"name": "nginx", "configMap": {"name": "nginx"}},
            {"name": "tls", "secret": {"secretName": "tls"}},
        ],
    }
