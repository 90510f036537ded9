"""The publishers' Helm charts that can be had: packed files out of their Go modules, kept in the cache.

Of the operators' modules only the Zalando operator's holds its chart; those of Longhorn and Calico lie in repositories
that can't be had as modules.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from sandbox.progress import Progress
from sandbox.toolchain.crds import POSTGRES_OPERATOR
from sandbox.toolchain.publishers import Publisher, collected

if TYPE_CHECKING:
    from pathlib import Path

_VERSION = POSTGRES_OPERATOR.version.removeprefix("v")
_PACKED = f"charts/postgres-operator/postgres-operator-{_VERSION}.tgz"


def postgres_operator_chart(progress: Progress | None = None) -> Path:
    """Return the packed chart of the Zalando operator, at the version of its CRDs in the sandbox."""
    publisher = Publisher(POSTGRES_OPERATOR.module, POSTGRES_OPERATOR.version, POSTGRES_OPERATOR.sum, (_PACKED,))
    folder = collected(
        "charts", (publisher,), lambda file, _, target: shutil.copy(file, target), progress or Progress()
    )
    return folder / _PACKED.rpartition("/")[2]


def place(project: Path, progress: Progress) -> None:
    """Put the charts where the project's stack file `dev` looks for them, beside the sandboxes."""
    target = project / ".sandbox" / "postgres-operator.tgz"
    if not target.exists():
        target.parent.mkdir(exist_ok=True)
        shutil.copy(postgres_operator_chart(progress), target)
