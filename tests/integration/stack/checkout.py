"""A copy of the project with a sandbox of its own, used as a person uses it: by its commands."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sandbox import plugins
from sandbox.folder import Folder
from sandbox.nodes import Kind
from sandbox.progress import Progress
from sandbox.stack import Stack
from sandbox.toolchain import Toolchain
from sandbox.toolchain.charts import place

ROOT = Path(__file__).parents[3]
_CODE = (
    "__main__.py", "components", "controllers", "crds", "delivery", "policies", "sandbox", "Pulumi.yaml",
    "pyproject.toml",
    "requirements-controllers.txt",
)  # fmt: skip
_LONGEST_COMMAND = 300
# What Python has compiled is copied along with the code, but for what another process is just writing.
HALF_MADE = shutil.ignore_patterns("*.pyc.*")


@dataclass(frozen=True)
class Step:
    """One resource of a preview that is not just kept."""

    op: str
    urn: str
    fields: dict[str, str]
    """Changed field -> kind of change (add, update, delete, with -replace where it replaces)."""

    @property
    def name(self) -> str:
        return self.urn.split("::")[-1]


class Checkout:
    """The project in a folder of its own."""

    def __init__(self, folder: Path, nodes: Kind = "kwok") -> None:
        self.folder = folder
        self._nodes = nodes
        folder.mkdir(parents=True)
        for name in _CODE:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, folder / name, ignore=HALF_MADE)
            else:
                shutil.copy(source, folder / name)
        for stack_file in ROOT.glob("Pulumi.*.yaml"):
            shutil.copy(stack_file, folder / stack_file.name)
        self.first_up = ""
        """What the first `up` printed."""
        self._environment: dict[str, str] | None = None

    @property
    def sandbox_folder(self) -> Folder:
        return Folder(self.folder / ".sandbox" / "default", self.folder)

    def prepare(self, toolchain: Toolchain) -> None:
        """Make an empty stack with all that it needs, beside a control plane that the test started itself."""
        progress = Progress(quiet=True)
        Stack(self.sandbox_folder, toolchain).prepare()
        plugins.place(self.sandbox_folder.pulumi_home, toolchain, progress)
        place(self.folder, progress)

    def sandbox(self, verb: str, *, inside: bool = False, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run one verb of the sandbox, as the Makefile does; `inside` of the sandbox's own shell or outside."""
        environment = self.environment if inside else dict(os.environ)
        return self._run([sys.executable, "-m", "sandbox", "--nodes", self._nodes, verb], environment, check=check)

    @property
    def environment(self) -> dict[str, str]:
        """What `eval "$(make -s env)"` sets."""
        if self._environment is None:
            self._environment = dict(os.environ)
            for line in self.sandbox("env").stdout.splitlines():
                name, _, value = line.removeprefix("export ").partition("=")
                self._environment[name] = os.path.expandvars("".join(shlex.split(value)))
        return self._environment

    @property
    def state(self) -> Path:
        """The file backend of the sandbox."""
        return Path(self.environment["PULUMI_BACKEND_URL"].removeprefix("file://").partition("?")[0])

    @property
    def engine_log(self) -> Path:
        """Where the engine keeps its own log, if it does."""
        return Path(self.environment["PULUMI_HOME"]) / "logs"

    def pulumi(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self._run(["pulumi", "--non-interactive", "--color=never", *arguments], self.environment, check=check)

    def start_pulumi(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command of pulumi in a process group of its own and return at once."""
        return subprocess.Popen(
            ["pulumi", "--non-interactive", "--color=never", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def kubectl(self, *arguments: str, check: bool = True) -> str:
        return self._run(["kubectl", *arguments], self.environment, check=check).stdout

    def get(self, kind: str, name: str, namespace: str | None = None) -> dict[str, Any]:
        """Return one live object."""
        where = ["-n", namespace] if namespace else []
        return json.loads(self.kubectl("get", kind, name, *where, "-o", "json"))

    def exists(self, kind: str, name: str, namespace: str) -> bool:
        return bool(self.kubectl("get", kind, name, "-n", namespace, "--ignore-not-found", "-o", "name").strip())

    def sections(self, stack: str = "dev") -> dict[str, Any]:
        """Return the sections of a stack file, named without the project's prefix."""
        config = yaml.safe_load((self.folder / f"Pulumi.{stack}.yaml").read_text())["config"]
        return {key.removeprefix("platform:"): value for key, value in config.items()}

    def edit(self, change: Callable[[dict[str, Any]], None], stack: str = "dev") -> None:
        """Edit the sections of a stack file."""
        sections = self.sections(stack)
        change(sections)
        self.write(sections, stack)

    def write(self, sections: Mapping[str, Any], stack: str = "dev") -> None:
        """Have a stack file consist of these sections."""
        config = {f"platform:{key}": value for key, value in sections.items()}
        (self.folder / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump({"config": config}))

    def restore(self, stack: str = "dev") -> None:
        """Undo all edits of a stack file."""
        shutil.copy(ROOT / f"Pulumi.{stack}.yaml", self.folder)

    def up(self, *arguments: str) -> str:
        return self.pulumi("up", "--yes", "--skip-preview", *arguments).stdout

    def preview(self, *arguments: str) -> list[Step]:
        """Return what a preview would change; kept resources and pure reads are left out."""
        answer = json.loads(self.pulumi("preview", "--json", *arguments).stdout)
        return [
            Step(
                step["op"],
                step["urn"],
                {field: change["kind"] for field, change in (step.get("detailedDiff") or {}).items()},
            )
            for step in answer["steps"]
            if step["op"] not in {"same", "read", "refresh"}
        ]

    def eventually(self, condition: Callable[[], bool], what: str, seconds: float = 40) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
            time.sleep(0.3)

    def _run(self, command: list[str], environment: dict[str, str], *, check: bool) -> subprocess.CompletedProcess[str]:
        try:
            done = subprocess.run(
                command,
                cwd=self.folder,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=_LONGEST_COMMAND,
            )
        except subprocess.TimeoutExpired as timeout:
            raise AssertionError(f"{command} still ran after {timeout.timeout} s\n{self._evidence(timeout)}") from None
        assert not check or done.returncode == 0, (
            # Why it failed is what pulumi prints last on standard output.
            f"{command} ended with {done.returncode}\n{done.stderr}\n{done.stdout}"
        )
        return done

    def _evidence(self, timeout: subprocess.TimeoutExpired) -> str:
        """Return what a command had printed, and what the cluster says of that which it may have waited for."""
        printed = [part.decode(errors="replace") for part in (timeout.stdout, timeout.stderr) if part]
        live = subprocess.run(
            ["kubectl", "get", "nodes,pods,endpointslices,pvc,events", "--all-namespaces", "--request-timeout=10s"],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return "\n".join([*printed, live.stdout, live.stderr])
