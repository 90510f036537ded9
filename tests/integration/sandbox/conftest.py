"""A small project with a sandbox of its own, and kubectl on the test session's control plane."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox import images
from sandbox import toolchain as tools
from sandbox.cluster import Cluster, real
from sandbox.progress import Progress
from sandbox.toolchain import Toolchain
from tests.integration.sandbox.kubectl import Kubectl
from tests.integration.stack.checkout import HALF_MADE

ROOT = Path(__file__).parents[3]
_LONGEST_COMMAND = 180

PROGRAM = """\
import pulumi
import pulumi_kubernetes as k8s

cluster = k8s.Provider("cluster", context="sandbox")
settings = pulumi.Config().require_object("settings")
# What the policy pack wants to see.
labels = {f"app.kubernetes.io/{key}": "small" for key in ("name", "instance", "component", "part-of", "managed-by")}
k8s.core.v1.ConfigMap(
    "settings",
    metadata={"name": "settings", "namespace": "default", "labels": labels},
    data={"colour": settings["colour"]},
    opts=pulumi.ResourceOptions(provider=cluster),
)
"""
STACK_FILE = """\
# A comment that must stay.
config:
  small:settings:
    colour: green
"""
Run = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class SmallProject:
    """A project of one ConfigMap, whose checkout holds a copy of the sandbox."""

    folder: Path

    @property
    def run_folder(self) -> Path:
        return self.folder / ".sandbox" / "default"

    @property
    def stack_file(self) -> Path:
        return self.folder / "Pulumi.dev.yaml"

    def sandbox(self, *arguments: str, check: bool = True, **variables: str) -> Run:
        environment = {key: value for key, value in os.environ.items() if key != "SANDBOX_DIR"} | variables
        # The command line is the same with real nodes, which not every machine can have.
        return self._run([sys.executable, "-m", "sandbox", "--nodes", "kwok", *arguments], environment, check=check)

    def environment(self) -> dict[str, str]:
        lines = self.sandbox("env").stdout.splitlines()
        pairs = (line.removeprefix("export ").partition("=") for line in lines)
        return dict(os.environ) | {name: "".join(shlex.split(value)) for name, _, value in pairs}

    def pulumi(self, *arguments: str, check: bool = True) -> Run:
        return self._run(["pulumi", "--non-interactive", *arguments], self.environment(), check=check)

    def kubectl(self, *arguments: str, check: bool = True) -> str:
        return self._run(["kubectl", *arguments], self.environment(), check=check).stdout

    def _run(self, command: list[str], environment: dict[str, str], *, check: bool) -> Run:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=_LONGEST_COMMAND,
            stdin=subprocess.DEVNULL,
        )
        assert not check or done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done


Maker = Callable[[], SmallProject]


@pytest.fixture(scope="module")
def make_project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Maker]:
    """Makes projects; their sandboxes are removed at the end."""
    made: list[SmallProject] = []

    def make() -> SmallProject:
        folder = tmp_path_factory.mktemp("checkout")
        for package in ("sandbox", "controllers", "policies"):
            shutil.copytree(ROOT / package, folder / package, ignore=HALF_MADE)
        shutil.copy(ROOT / "pyproject.toml", folder)
        (folder / "Pulumi.yaml").write_text("name: small\nruntime: python\n")
        (folder / "Pulumi.dev.yaml").write_text(STACK_FILE)
        (folder / "__main__.py").write_text(PROGRAM)
        made.append(SmallProject(folder))
        return made[-1]

    yield make
    for project in made:
        project.sandbox("down", check=False)
        project.sandbox("clean", check=False)


@pytest.fixture(scope="session")
def real_toolchain() -> Toolchain:
    """All tools, those of real nodes included."""
    if lack := real.missing():
        pytest.skip(lack)
    return tools.ensure([*tools.EVERYWHERE, *tools.REAL_NODES], Progress(quiet=True))


@pytest.fixture(scope="session")
def archives(real_toolchain: Toolchain) -> list[Path]:
    """All images, as for `make up`: of other ones the nodes' disk would be made anew."""
    del real_toolchain
    return list(images.ensure(Progress(quiet=True)).values())


@pytest.fixture(scope="module")
def kubectl(cluster: Cluster, toolchain: Toolchain) -> Kubectl:
    return Kubectl(cluster, toolchain)


@pytest.fixture
def namespace(kubectl: Kubectl, request: pytest.FixtureRequest) -> Iterator[str]:
    name = f"test-{abs(hash(request.node.name)) % 10**8}"
    kubectl("create", "namespace", name)
    yield name
    kubectl("delete", "namespace", name, "--wait=false")
