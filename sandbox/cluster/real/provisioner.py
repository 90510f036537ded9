"""Makes the volumes of the driver `driver.longhorn.io` in a sandbox with real nodes.

A volume is a folder that every node sees, so it follows its pod to another node as one of Longhorn's would; it has no
limit of size and no lock against a second node. Runs as `python -m sandbox.cluster.real.provisioner <cluster folder>`
until something fails; then it is started again, and is told of every claim and volume anew.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from lightkube import ApiError, AsyncClient, KubeConfig
from lightkube.resources.core_v1 import PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimStatus
from lightkube.resources.storage_v1 import StorageClass
from lightkube.types import PatchType

from sandbox.cluster.real import layout
from sandbox.cluster.real.machine import PROVISIONER

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable

DRIVER = "driver.longhorn.io"
# The controller manager's words for whose work a claim is, and whose a volume was.
_WANTED = "volume.kubernetes.io/storage-provisioner"
_MADE = "pv.kubernetes.io/provisioned-by"
_NOT_FOUND, _CONFLICT = 404, 409
# A hostPath volume knows no fsGroup, so that a pod that isn't root could not write to it otherwise.
_MODE = 0o777
_log = logging.getLogger("provisioner")
_Manifest = dict[str, Any]
_Served = TypeVar("_Served", PersistentVolume, PersistentVolumeClaim)


class Provisioner:
    """Serves claims and volumes; `folder` is the one that every node sees."""

    def __init__(self, client: AsyncClient, folder: Path) -> None:
        self._client = client
        self._folder = folder

    async def run(self) -> None:
        """Serve until something fails."""
        claims = self._client.watch(PersistentVolumeClaim, namespace="*")
        volumes = self._client.watch(PersistentVolume)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow(claims, self._serve_claim))
            group.create_task(self._follow(volumes, self._serve_volume))

    async def _follow(
        self, events: AsyncIterable[tuple[str, _Served]], serve: Callable[[_Manifest], Awaitable[None]]
    ) -> None:
        """Serve every object that is there, and again at each change."""
        async for event, item in events:
            if event in ("ADDED", "MODIFIED"):
                await serve(cast("_Manifest", item.to_dict()))

    async def _serve_claim(self, claim: _Manifest) -> None:
        metadata = claim["metadata"]
        if metadata.get("annotations", {}).get(_WANTED) != DRIVER or "deletionTimestamp" in metadata:
            return
        wanted = claim["spec"]["resources"]["requests"]["storage"]
        if "volumeName" not in claim["spec"]:
            await self._provision(claim, wanted)
        elif claim["status"]["phase"] == "Bound" and claim["status"]["capacity"]["storage"] != wanted:
            await self._grow(claim, wanted)

    async def _provision(self, claim: _Manifest, size: str) -> None:
        metadata, spec = claim["metadata"], claim["spec"]
        name = f"pvc-{metadata['uid']}"
        if spec["volumeMode"] != "Filesystem":
            _log.error("claim %s/%s: volumeMode is %s; allowed is Filesystem", *_where(claim), spec["volumeMode"])
            return
        folder = self._folder / name
        folder.mkdir(exist_ok=True)
        folder.chmod(_MODE)
        volume: _Manifest = {
            "metadata": {"name": name, "annotations": {_MADE: DRIVER}},
            "spec": {
                "storageClassName": spec["storageClassName"],
                "persistentVolumeReclaimPolicy": await self._reclaim_policy(spec["storageClassName"]),
                "volumeMode": spec["volumeMode"],
                "accessModes": spec["accessModes"],
                "capacity": {"storage": size},
                "claimRef": {
                    "apiVersion": "v1",
                    "kind": "PersistentVolumeClaim",
                    "namespace": metadata["namespace"],
                    "name": metadata["name"],
                    "uid": metadata["uid"],
                },
                "hostPath": {"path": str(folder), "type": "Directory"},
            },
        }
        try:
            await self._client.create(cast("PersistentVolume", PersistentVolume.from_dict(volume)))
        except ApiError as error:
            if error.status.code != _CONFLICT:
                raise
        else:
            _log.info("claim %s/%s: made volume %s of %s", *_where(claim), name, size)

    async def _reclaim_policy(self, storage_class: str) -> str:
        found = await self._client.get(StorageClass, storage_class)
        return found.reclaimPolicy or "Delete"

    async def _grow(self, claim: _Manifest, size: str) -> None:
        metadata, name = claim["metadata"], claim["spec"]["volumeName"]
        volume = {"spec": {"capacity": {"storage": size}}}
        await self._client.patch(PersistentVolume, name, volume, patch_type=PatchType.MERGE)
        status: _Manifest = {"status": {"capacity": {"storage": size}, "conditions": []}}
        await self._client.patch(
            PersistentVolumeClaimStatus,
            metadata["name"],
            status,
            namespace=metadata["namespace"],
            patch_type=PatchType.MERGE,
        )
        _log.info("claim %s/%s: volume %s has grown to %s", *_where(claim), name, size)

    async def _serve_volume(self, volume: _Manifest) -> None:
        metadata, spec = volume["metadata"], volume["spec"]
        ours = metadata.get("annotations", {}).get(_MADE) == DRIVER
        released = volume.get("status", {}).get("phase") == "Released" and "deletionTimestamp" not in metadata
        if not (ours and released and spec["persistentVolumeReclaimPolicy"] == "Delete"):
            return
        shutil.rmtree(self._folder / metadata["name"], ignore_errors=True)
        try:
            await self._client.delete(PersistentVolume, metadata["name"])
        except ApiError as error:
            if error.status.code != _NOT_FOUND:
                raise
        else:
            _log.info("volume %s: deleted with its data", metadata["name"])


def _where(claim: _Manifest) -> tuple[str, str]:
    return claim["metadata"]["namespace"], claim["metadata"]["name"]


async def main(cluster: Path) -> None:
    """Serve the cluster in that folder."""
    logging.basicConfig(format="%(asctime)s %(name)s: %(message)s", level=logging.WARNING)
    _log.setLevel(logging.INFO)
    config = KubeConfig.from_file(layout.machine(cluster) / f"{PROVISIONER}.kubeconfig")
    async with AsyncClient(config) as client:
        await Provisioner(client, layout.volumes(cluster)).run()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
