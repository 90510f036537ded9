"""What a program says of a chart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sandbox.provider.errors import ProviderError
from sandbox.provider.values import is_map, reveal

if TYPE_CHECKING:
    from sandbox.provider.values import Properties

_KNOWN: Final = frozenset(
    (
        "chart", "dependencyUpdate", "devel", "includeHooks", "name", "namespace", "plainHttp", "repositoryOpts",
        "resourcePrefix", "skipAwait", "skipCrds", "values", "version",
    )
)  # fmt: skip
"""`includeHooks` has no effect on the official plugin either, but where it writes manifests to a folder."""


@dataclass(frozen=True)
class ChartArguments:
    """A chart and how to render it."""

    release: str
    chart: str
    namespace: str
    version: str
    repository: str
    values: Properties
    prefix: str
    skip_crds: bool
    skip_await: bool
    switches: tuple[str, ...]
    """Helm's switches as the program has set them: `--devel` and the like."""

    @classmethod
    def parse(cls, name: str, inputs: Properties, namespace: str) -> ChartArguments:
        """Return the arguments of the resource of that name; `namespace` is for objects that name none.

        Raises ProviderError for arguments that the stand-in can't honour.
        """
        plain: Properties = reveal(inputs)
        repository: Properties = plain.get("repositoryOpts", {})
        _refuse_unknown("", set(plain) - _KNOWN)
        _refuse_unknown("repositoryOpts.", set(repository) - {"repo"})
        if not is_map(plain.get("values", {})):
            raise ProviderError(f"chart {name}: values must be a map")
        flags = {"devel": "--devel", "dependencyUpdate": "--dependency-update", "plainHttp": "--plain-http"}
        return cls(
            release=plain.get("name") or name,
            chart=str(plain["chart"]),
            namespace=plain.get("namespace") or namespace,
            version=str(plain.get("version", "")),
            repository=repository.get("repo", ""),
            values=plain.get("values", {}),
            prefix=plain.get("resourcePrefix", name),
            skip_crds=bool(plain.get("skipCrds")),
            skip_await=bool(plain.get("skipAwait")),
            switches=tuple(flag for key, flag in flags.items() if plain.get(key)),
        )


def _refuse_unknown(prefix: str, keys: set[str]) -> None:
    if keys:
        named = ", ".join(f"{prefix}{key}" for key in sorted(keys))
        raise ProviderError(
            f"helm.sh/v4:Chart: {named} isn't supported by the sandbox's stand-in for the Kubernetes plugin;"
            " install the official plugin: pulumi plugin install resource kubernetes"
        )
