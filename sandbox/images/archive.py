"""Writes an image as one tar file in the OCI's layout (image-spec 1.1), as containerd imports it."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sandbox.images.layers import SOURCE_DATE_EPOCH
from sandbox.images.recipes import PATH

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from sandbox.images.recipes import Recipe

_CREATED = datetime.fromtimestamp(SOURCE_DATE_EPOCH, UTC).isoformat().replace("+00:00", "Z")
_TYPE = "application/vnd.oci.image."


@dataclass(frozen=True, slots=True)
class Blob:
    """One member of the archive, known by its digest."""

    content: bytes | Path
    digest: str
    size: int

    @classmethod
    def of_file(cls, path: Path) -> Blob:
        """Return a layer."""
        with path.open("rb") as file:
            return cls(path, hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size)

    @classmethod
    def of_document(cls, document: Mapping[str, object]) -> Blob:
        """Return a JSON document; the same one always gives the same bytes."""
        content = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
        return cls(content, hashlib.sha256(content).hexdigest(), len(content))

    def described(self, media: str, **more: object) -> dict[str, object]:
        """Return the descriptor by which another document names this one."""
        return {"mediaType": _TYPE + media, "digest": f"sha256:{self.digest}", "size": self.size, **more}


def write(archive: Path, recipe: Recipe, layers: Iterable[Blob], architecture: str) -> None:
    """Write the file `archive`."""
    layers = tuple(layers)
    platform = {"architecture": architecture, "os": "linux"}
    config = Blob.of_document(
        {
            **platform,
            "created": _CREATED,
            "config": _config(recipe),
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.digest}" for layer in layers]},
        }
    )
    manifest = Blob.of_document(
        {
            "schemaVersion": 2,
            "mediaType": f"{_TYPE}manifest.v1+json",
            "config": config.described("config.v1+json"),
            "layers": [layer.described("layer.v1.tar") for layer in layers],
        }
    )
    names = {"io.containerd.image.name": recipe.reference, "org.opencontainers.image.ref.name": recipe.version}
    index = Blob.of_document(
        {
            "schemaVersion": 2,
            "mediaType": f"{_TYPE}index.v1+json",
            "manifests": [manifest.described("manifest.v1+json", platform=platform, annotations=names)],
        }
    )
    with tarfile.open(archive, "w") as out:
        _add(out, "oci-layout", Blob.of_document({"imageLayoutVersion": "1.0.0"}))
        _add(out, "index.json", index)
        for blob in {blob.digest: blob for blob in (manifest, config, *layers)}.values():
            _add(out, f"blobs/sha256/{blob.digest}", blob)


def digest_of(archive: Path) -> str:
    """Return the digest of the image in `archive`, as containerd shows it."""
    with tarfile.open(archive) as members:
        index = members.extractfile("index.json")
        if index is None:
            raise ValueError(f"{archive} has no index.json")
        return json.load(index)["manifests"][0]["digest"]


def _config(recipe: Recipe) -> dict[str, object]:
    environment = {"PATH": PATH, **recipe.environment}
    return {
        "User": f"{recipe.user}:{recipe.user}",
        "WorkingDir": recipe.folder,
        "Entrypoint": list(recipe.entrypoint),
        "Cmd": list(recipe.command),
        "Env": [f"{name}={value}" for name, value in environment.items()],
    }


def _add(out: tarfile.TarFile, name: str, blob: Blob) -> None:
    member = tarfile.TarInfo(name)
    member.size = blob.size
    if isinstance(blob.content, bytes):
        out.addfile(member, io.BytesIO(blob.content))
    else:
        with blob.content.open("rb") as file:
            out.addfile(member, file)
