"""The publishers' Helm charts that can be had: packed files out of their Go modules, kept in the cache.

Of the operators' modules only the Zalando operator's holds its chart; those of Longhorn and Calico lie in repositories
that can't be had as modules.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from sandbox.progress import Progress
from sandbox.toolchain.crds import POSTGRES_OPERATOR
from sandbox.toolchain.publishers import Publisher, collected

if TYPE_CHECKING:
    from pathlib import Path

# The one before, from which tests upgrade.
POSTGRES_OPERATOR_BEFORE = replace(
    POSTGRES_OPERATOR, version="v1.14.0", sum="h1:C8+n26C8v6fPB1SNW+Y8X6oQoEHufzGJXJzYPlix+zw="
)


def postgres_operator_chart(progress: Progress | None = None, publisher: Publisher = POSTGRES_OPERATOR) -> Path:
    """Return the packed chart of the Zalando operator, by default at the version of its CRDs in the sandbox."""
    packed = f"charts/postgres-operator/postgres-operator-{publisher.version.removeprefix('v')}.tgz"
    folder = collected(
        "charts",
        (replace(publisher, files=(packed,)),),
        lambda file, _, target: shutil.copy(file, target),
        progress or Progress(),
    )
    return folder / packed.rpartition("/")[2]


def place(project: Path, progress: Progress) -> None:
    """Put the charts where the project's stack file `dev` looks for them, beside the sandboxes."""
    target = project / ".sandbox" / "postgres-operator.tgz"
    if not target.exists():
        target.parent.mkdir(exist_ok=True)
        shutil.copy(postgres_operator_chart(progress), target)
