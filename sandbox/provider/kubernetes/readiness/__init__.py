"""When an object of each kind counts as ready, so that what depends on it may follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from sandbox.provider.kubernetes.readiness import batch, definitions, networking, storage, workloads
from sandbox.provider.kubernetes.steering import SKIP_AWAIT, is_true, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.provider.kubernetes.api import Api
    from sandbox.provider.values import Properties

    Check: TypeAlias = Callable[[Properties, Api], str | None]
    """Returns what the object still lacks, None when it is ready; raises HopelessError when it never will be."""

_CHECKS: Final[dict[tuple[str, str], Check]] = {
    ("apiextensions.k8s.io", "CustomResourceDefinition"): definitions.definition,
    ("apps", "DaemonSet"): workloads.daemon_set,
    ("apps", "Deployment"): workloads.deployment,
    ("apps", "StatefulSet"): workloads.stateful_set,
    ("batch", "Job"): batch.job,
    ("", "PersistentVolumeClaim"): storage.claim,
    ("", "Pod"): workloads.pod,
    ("", "Service"): networking.service,
}


def lacks(live: Properties, body: Properties, api: Api) -> str | None:
    """Return what the live object still lacks, None when it is ready or nobody waits for it.

    The program's own conditions (`pulumi.com/waitFor`) take the place of the kind's. `body` is what the program
    declares; `live` is what the API server has.
    """
    if is_true(body, SKIP_AWAIT):
        return None
    wanted = wait_for(body)
    if wanted:
        unmet = [condition.text for condition in wanted if not condition.met_by(live)]
        return f"waiting for {', '.join(unmet)}" if unmet else None
    group = str(live["apiVersion"]).rpartition("/")[0]
    check = _CHECKS.get((group, str(live["kind"])))
    return check(live, api) if check else None
