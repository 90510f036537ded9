"""pgBackRest's configuration files (2.45) and what Patroni runs of it.

The image's variables PGBACKREST_CONFIG and PGBACKREST_STANZA lead to the cluster's own archive.
"""

from __future__ import annotations

import io
from configparser import ConfigParser
from typing import TYPE_CHECKING, Any

from sandbox.images.postgres.contract import data_folder

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.images.postgres.contract import Contract
    from sandbox.images.postgres.storage import Clone, Storage

STANZA = "main"
# The published image's: a database in which nothing happens is that old in the archive at most.
_ARCHIVE_TIMEOUT = "1800s"
_BOOTSTRAP = "clone_with_archive"
# 103: there is no such archive yet, since the server has something to archive before its first base backup.
_PUSH = 'pgbackrest archive-push "%p"'
_PUSH_FIRST = f"{_PUSH} || {{ [ $? = 103 ] && pgbackrest stanza-create && {_PUSH}; }}"


def files(contract: Contract, folder: Path) -> dict[Path, str]:
    """Return the files that the pod needs and their contents, which have the logins to the storage."""
    found: dict[Path, str] = {}
    if contract.archive:
        kept = {"repo1-retention-full-type": "time", "repo1-retention-full": str(contract.archive.days)}
        found[folder / "archive.conf"] = _file(contract, folder, contract.archive.storage, kept)
    if contract.clone:
        found[folder / "clone.conf"] = _file(contract, folder, contract.clone.storage, {})
    return found


def patroni_sections(contract: Contract, folder: Path) -> dict[str, Any]:
    """Return what comes into Patroni's configuration."""
    sections: dict[str, Any] = {}
    if contract.archive:
        sections["postgresql"] = {
            # Here and not in the store: it counts for a cluster too that began without.
            "parameters": {
                "archive_mode": "on",
                "archive_command": _PUSH_FIRST,
                "archive_timeout": _ARCHIVE_TIMEOUT,
            },
            "recovery_conf": {"restore_command": 'pgbackrest archive-get "%f" "%p"'},
        }
    if contract.clone:
        sections["bootstrap"] = {"method": _BOOTSTRAP, _BOOTSTRAP: _bootstrap(contract.clone, folder)}
    return sections


def _bootstrap(clone: Clone, folder: Path) -> dict[str, Any]:
    source = f"pgbackrest --config={folder}/clone.conf"
    # It chooses the backup by the time, and understands no other way to write one.
    target = clone.target.isoformat(sep=" ", timespec="microseconds")
    return {
        "command": f"{source} --type=time --target='{target}' --target-action=promote restore",
        "no_params": True,
        "recovery_conf": {
            "restore_command": f'{source} archive-get "%f" "%p"',
            "recovery_target_time": target,
            "recovery_target_timeline": "latest",
            "recovery_target_action": "promote",
        },
    }


def _file(contract: Contract, folder: Path, storage: Storage, kept: dict[str, str]) -> str:
    parser = ConfigParser(interpolation=None)
    parser["global"] = {
        "repo1-type": "s3",
        "repo1-path": storage.path,
        "repo1-s3-bucket": storage.bucket,
        "repo1-s3-endpoint": storage.host,
        "repo1-storage-port": str(storage.port),
        "repo1-storage-ca-file": storage.authority_file,
        "repo1-s3-region": storage.region,
        "repo1-s3-uri-style": "path" if storage.path_style else "host",
        "repo1-s3-key": storage.key,
        "repo1-s3-key-secret": storage.secret_key,
        **kept,
        "compress-type": "zst",
        # A base backup starts now, not when a checkpoint happens to be due.
        "start-fast": "y",
        "lock-path": str(folder / "lock"),
        "spool-path": str(folder / "spool"),
        "log-level-file": "off",
        "log-level-console": "warn",
    }
    parser[STANZA] = {
        "pg1-path": data_folder(contract.root),
        "pg1-socket-path": str(folder),
        "pg1-user": contract.superuser,
    }
    text = io.StringIO()
    parser.write(text, space_around_delimiters=False)
    return text.getvalue()
