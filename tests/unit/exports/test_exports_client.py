"""The client reads every released contract, all of it, and says clearly what it can't read."""

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Never

import pulumi
import pytest
from platform_exports import ContractError, Platform
from platform_exports.reading import Section
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks, set_mocks
from pulumi.runtime.stack import run_pulumi_func
from pydantic.alias_generators import to_camel

from tests.unit.declared import own_loop
from tests.unit.exports.contracts import UNRELEASED, VERSIONS, contract, shape

STACK = "organization/platform/dev"


class _Backend(Mocks):
    """Answers a stack reference as the engine does: all numbers are floating-point."""

    def __init__(self, exports: Mapping[str, Any]) -> None:
        self._exports = exports

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        assert args.typ == "pulumi:pulumi:StackReference"
        return args.name, {"name": args.name, "outputs": self._exports}

    def call(self, args: MockCallArgs) -> Never:
        raise AssertionError(f"the client calls {args.token}")


class _Monitor(MockMonitor):
    def ReadResource(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        with own_loop():
            return super().ReadResource(request)

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        with own_loop():
            return super().RegisterResource(request)


def read(exports: Mapping[str, Any], attribute: Callable[[Platform], pulumi.Output[Any]]) -> Any:
    """Return the value of one attribute where the stack has these exports."""
    found: list[pulumi.Output[Any]] = []
    with own_loop() as loop:
        set_mocks(_Backend(exports), "shop", "dev", preview=False, monitor=_Monitor(_Backend(exports)))
        loop.run_until_complete(run_pulumi_func(lambda: found.append(attribute(Platform.from_stack(STACK)))))
        return loop.run_until_complete(found[0].future())


def attributes(section: type[Section], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of every attribute that stands for a key."""
    for name, member in vars(section).items():
        if not isinstance(member, property) or name == "id":
            continue
        returned = member.fget.__annotations__["return"]
        below = SECTIONS.get(returned)
        yield from attributes(below, (*path, name)) if below else [(*path, name)]
    for base in section.__bases__:
        if issubclass(base, Section):
            yield from attributes(base, path)


def _all_sections(section: type[Section] = Section) -> Iterator[type[Section]]:
    for sub in section.__subclasses__():
        yield sub
        yield from _all_sections(sub)


SECTIONS = {section.__name__: section for section in _all_sections()}
ATTRIBUTES = sorted(set(attributes(Platform)))


def key_of(path: tuple[str, ...]) -> str:
    return ".".join(map(to_camel, path))


def value_at(exports: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    for part in path:
        exports = exports[to_camel(part)]
    return exports


def getter(path: tuple[str, ...]) -> Callable[[Platform], pulumi.Output[Any]]:
    def get(platform: Platform) -> pulumi.Output[Any]:
        value: Any = platform
        for part in path:
            value = getattr(value, part)
        return value

    return get


def test_every_key_of_the_contract_is_an_attribute_and_every_attribute_a_key() -> None:
    keys = {key for key, kind in shape(contract(UNRELEASED)).items() if kind != "dict"}
    keys |= {"websites.urls", "memcached.hosts"}
    assert {key_of(path) for path in ATTRIBUTES} == keys - {"apiVersion"}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_released_contract_is_readable(version: str) -> None:
    exports = contract(version)
    readable = [path for path in ATTRIBUTES if key_of(path) in shape(exports)]
    assert {path[0] for path in readable} == exports.keys() - {"apiVersion"}
    for path in readable:
        value = read(exports, getter(path))
        assert (value, type(value)) == (value_at(exports, path), type(value_at(exports, path))), key_of(path)


def test_a_further_postgres_cluster_is_read_by_its_name() -> None:
    clusters = contract(UNRELEASED)["postgres"]["clusters"]
    assert (
        read(contract(UNRELEASED), lambda platform: platform.postgres.cluster("shop").host) == clusters["shop"]["host"]
    )
    secret = read(contract(UNRELEASED), lambda platform: platform.postgres.cluster("shop").credentials_secret.id)
    assert secret == "postgres/shop.shop.credentials.postgresql.acid.zalan.do"
    with pytest.raises(ContractError, match=r"exports no 'postgres\.clusters\.report'"):
        read(contract(UNRELEASED), lambda platform: platform.postgres.cluster("report").host)


def test_a_secrets_id_is_what_its_getter_takes() -> None:
    assert read(contract("0.1.0"), lambda platform: platform.redis.password_secret.id) == "redis/redis-sfs"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"apiVersion": "platform/v2"}, "exports the contract 'platform/v2'; this client reads 'platform/v1'"),
        ({"apiVersion": None}, "it is no stack of the platform, or was never rolled out"),
        ({"redis": None}, "exports no 'redis': that part of the platform is switched off there"),
        (
            {"redis": {}},
            "exports no 'redis.port': that part of the platform is switched off there, or its release is older",
        ),
        ({"redis": {"port": "six"}}, "exports 'redis.port' = 'six'; the contract says a whole number"),
        ({"redis": {"port": 0.5}}, "exports 'redis.port' = 0.5; the contract says a whole number"),
        ({"redis": "here"}, "exports 'redis' = 'here'; the contract says a mapping"),
    ],
)
def test_what_can_not_be_read_is_said_with_stack_and_key(change: Mapping[str, Any], message: str) -> None:
    exports = {**copy.deepcopy(contract("0.1.0")), **change}
    with pytest.raises(ContractError) as caught:
        read(exports, lambda platform: platform.redis.port)
    assert str(caught.value).startswith(f"the stack {STACK} exports ")
    assert message in str(caught.value)


@pytest.mark.parametrize("value", [["a", 1], "a"])
def test_a_list_of_anything_else_is_no_list_of_text(value: object) -> None:
    exports = {**contract("0.1.0"), "network": {"podCidrs": value}}
    with pytest.raises(ContractError, match="the contract says a list of text"):
        read(exports, lambda platform: platform.network.pod_cidrs)
