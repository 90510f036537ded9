"""Whether the kubeconfig's user may do all that a rollout does."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import product
from typing import TYPE_CHECKING

from components.fields import Model
from components.operators import OperatorSettings
from components.preflight.live import PARALLEL, LiveCluster

if TYPE_CHECKING:
    from components.settings import Settings

# Server-side apply needs `patch` beside `create`; readiness is watched.
VERBS = ("get", "list", "watch", "create", "patch", "delete")
# Section -> the kinds that it declares, as group/plural; the core group has no name.
EVERYWHERE = ("/namespaces", "/configmaps")
OWN_KIND = (
    "apiextensions.k8s.io/customresourcedefinitions", "/serviceaccounts", "rbac.authorization.k8s.io/roles",
    "rbac.authorization.k8s.io/rolebindings", "networking.k8s.io/networkpolicies", "apps/deployments",
)  # fmt: skip
KINDS: Mapping[str, tuple[str, ...]] = {
    "calico": (
        "operator.tigera.io/installations", "operator.tigera.io/apiservers",
        "crd.projectcalico.org/felixconfigurations", "projectcalico.org/globalnetworkpolicies",
    ),
    "longhorn": (
        "storage.k8s.io/storageclasses", "longhorn.io/recurringjobs", "longhorn.io/settings",
        "longhorn.io/backuptargets",
    ),
    "postgres": ("acid.zalan.do/postgresqls", "networking.k8s.io/networkpolicies"),
    "redis": (
        "/secrets", "/services", "/serviceaccounts", "/persistentvolumeclaims", "apps/statefulsets", "apps/deployments",
        "batch/cronjobs", "policy/poddisruptionbudgets", "networking.k8s.io/networkpolicies",
        "scheduling.k8s.io/priorityclasses", "rbac.authorization.k8s.io/roles",
        "rbac.authorization.k8s.io/rolebindings",
    ),
    "websites": (*OWN_KIND, "/services", "extensions.example.com/websites"),
    "memcached": (*OWN_KIND, "cache.example.com/memcacheds"),
    "samples": (*OWN_KIND, "rbac.authorization.k8s.io/clusterroles", "bookofkubernetes.com/samples"),
}  # fmt: skip


CHARTS = ("calico", "longhorn", "postgres")


def lacking(settings: "Settings", live: LiveCluster) -> Iterator[str]:
    """Yield the rights that the kubeconfig's user lacks; an administrator is asked one question only."""
    if live.may(verb="*", group="*", resource="*"):
        return
    charts = [section for section in CHARTS if _by_chart(getattr(settings, section))]
    if charts:
        yield (
            f"operator: chart ({', '.join(f'platform:{section}' for section in charts)}) needs an administrator's "
            "rights, since charts bring ClusterRoles: roll out as one, or set operator: existing"
        )
    switched_on = {section: getattr(settings, section).enabled for section in KINDS}
    kinds = sorted({*EVERYWHERE, *(kind for section, on in switched_on.items() if on for kind in KINDS[section])})
    asked = list(product(kinds, VERBS))
    with ThreadPoolExecutor(PARALLEL) as workers:
        answers = workers.map(partial(_may, live), asked)
        refused = [right for right, allowed in zip(asked, answers, strict=True) if not allowed]
    for kind in kinds:
        verbs = [verb for each, verb in refused if each == kind]
        if verbs:
            group, _, plural = kind.partition("/")
            name = f"{plural}.{group}" if group else plural
            yield f"the kubeconfig's user may not {', '.join(verbs)} {name}: bind a ClusterRole with these rights to it"


def _by_chart(section: Model) -> bool:
    return isinstance(section, OperatorSettings) and section.operator == "chart" and getattr(section, "enabled", True)


def _may(live: LiveCluster, right: tuple[str, str]) -> bool:
    kind, verb = right
    group, _, plural = kind.partition("/")
    return live.may(verb=verb, group=group, resource=plural)
