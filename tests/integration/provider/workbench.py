"""Drives the real engine with programs that are only a list of raw resources."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Body: TypeAlias = dict[str, Any]
Kubectl: TypeAlias = "Callable[..., Any]"
"""Runs kubectl with the given arguments and returns its answer, read as JSON where it is JSON."""

PROGRAM = """
import json
import pulumi

plan = json.load(open("plan.json"))
made = {}


def value_of(item):
    if isinstance(item, dict) and "$secret" in item:
        return pulumi.Output.secret(value_of(item["$secret"]))
    if isinstance(item, dict) and "$output" in item:
        name, *path = item["$output"]
        output = getattr(made[name], path[0])
        for step in path[1:]:
            output = output[step]
        return output
    if isinstance(item, dict):
        return {key: value_of(child) for key, child in item.items()}
    return [value_of(child) for child in item] if isinstance(item, list) else item


for entry in plan:
    options = {key: made[name] for key, name in entry.get("refer", {}).items()}
    options |= entry.get("options", {})
    if "custom_timeouts" in options:
        options["custom_timeouts"] = pulumi.CustomTimeouts(**options["custom_timeouts"])
    if "depends_on" in options:
        options["depends_on"] = [made[name] for name in options["depends_on"]]
    opts = pulumi.ResourceOptions(version=entry["version"], **options)
    properties = dict.fromkeys(entry.get("outputs", ())) | value_of(entry["properties"])
    package, module, kind = entry["type"].split(":")
    if package == "pulumi":
        made[entry["name"]] = pulumi.ProviderResource(kind, entry["name"], properties, opts)
    elif entry.get("component"):
        made[entry["name"]] = pulumi.ComponentResource(entry["type"], entry["name"], properties, opts, remote=True)
    else:
        made[entry["name"]] = pulumi.CustomResource(entry["type"], entry["name"], properties, opts)
for entry in plan:
    for output in entry.get("export", ()):
        pulumi.export(entry["name"] + "." + output, getattr(made[entry["name"]], output))
"""


def token(body: Body) -> str:
    """Return the Pulumi type of a Kubernetes object."""
    group_version = body["apiVersion"]
    return f"kubernetes:{group_version if '/' in group_version else 'core/' + group_version}:{body['kind']}"


def kubernetes(body: Body, name: str = "", **entry: Any) -> Body:
    """Return the plan's entry for a Kubernetes object."""
    return {
        "type": token(body),
        "name": name or f"{body['kind']}-{body['metadata'].get('name', 'unnamed')}".lower(),
        "properties": body,
        "version": version("pulumi-kubernetes"),
        "refer": {"provider": "cluster"},
        **entry,
    }


def config_map(name: str, namespace: str, **data: Any) -> Body:
    """Return a ConfigMap."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": data,
    }


def definition(group: str, kind: str) -> Body:
    """Return the definition of a namespaced kind whose spec has one field, `text`."""
    plural = f"{kind.lower()}s"
    spec = {"type": "object", "properties": {"text": {"type": "string"}}}
    schema = {"type": "object", "properties": {"spec": spec}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }


@dataclass
class Outcome:
    """What a run of the CLI said."""

    code: int
    output: str
    steps: list[Body] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    summary: dict[str, int] = field(default_factory=dict)

    def step(self, name: str) -> Body:
        """Return the last step for the resource of that name; a refresh comes before it."""
        return next(step for step in reversed(self.steps) if step["urn"].endswith(f"::{name}"))

    @property
    def operations(self) -> dict[str, str]:
        """The operation for each resource that isn't left as it is, nor only looked at."""
        found = {step["urn"].rpartition("::")[2]: step["op"] for step in self.steps}
        return {name: op for name, op in found.items() if op not in ("same", "refresh")}


@dataclass
class Stack:
    """A Pulumi stack of its own: state, plugins and program in one folder."""

    folder: Path
    environment: dict[str, str]
    provider: Body

    @classmethod
    def make(cls, folder: Path, tools: Path, kubeconfig: Path, context: str) -> Stack:
        """Make an empty stack whose provider points to the cluster."""
        from sandbox.provider.install import install  # noqa: PLC0415 - collecting the tests mustn't need it

        for name in ("state", "home", "program"):
            (folder / name).mkdir()
        install(folder / "home")
        program = folder / "program"
        (program / "Pulumi.yaml").write_text("name: workbench\nruntime: python\n")
        (program / "__main__.py").write_text(PROGRAM)
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")},
            "PATH": f"{Path(sys.executable).parent}:{tools}:{os.environ['PATH']}",
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{folder}/state",
            "PULUMI_CONFIG_PASSPHRASE": "workbench",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }
        stack = cls(folder, environment, {"kubeconfig": str(kubeconfig), "context": context})
        stack.run("stack", "init", "test")
        return stack

    def declare(self, entries: Sequence[Body]) -> None:
        """Let the program consist of these entries."""
        cluster = {
            "type": "pulumi:providers:kubernetes",
            "name": "cluster",
            "properties": self.provider,
            "version": version("pulumi-kubernetes"),
        }
        (self.folder / "program" / "plan.json").write_text(json.dumps([cluster, *entries]))

    def run(self, *arguments: str, fails: bool = False) -> Outcome:
        """Run the CLI and return what it said; it must succeed, or fail where that is expected."""
        process = self.start(*arguments)
        output, _ = process.communicate(timeout=180)
        assert (process.returncode != 0) is fails, output
        return Outcome(process.returncode, output)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the CLI in a process group of its own, as a terminal would."""
        return subprocess.Popen(
            ["pulumi", *arguments, "--non-interactive", "--color=never"],
            cwd=self.folder / "program",
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def up(self, *entries: Body, fails: bool = False, flags: Sequence[str] = ()) -> Outcome:
        """Update to these entries."""
        self.declare(entries)
        return self.run("up", "--yes", "--skip-preview", "--stack=test", *flags, fails=fails)

    def preview(self, *entries: Body, fails: bool = False, refresh: bool = False) -> Outcome:
        """Preview these entries."""
        self.declare(entries)
        arguments = ["preview", "--json", "--stack=test", f"--refresh={str(refresh).lower()}"]
        outcome = self.run(*arguments, fails=fails)
        start = outcome.output.find("{\n")
        report = json.JSONDecoder().raw_decode(outcome.output[start:])[0] if start >= 0 else {}
        outcome.steps = report.get("steps", [])
        outcome.summary = report.get("changeSummary", {})
        outcome.messages = [item.get("message", "") for item in report.get("diagnostics", [])]
        return outcome

    def destroy(self) -> Outcome:
        """Delete everything."""
        return self.run("destroy", "--yes", "--skip-preview", "--stack=test")

    def state(self, *flags: str) -> dict[str, Body]:
        """Return the state's resources by name."""
        exported = json.loads(self.run("stack", "export", "--stack=test", *flags).output)
        return {item["urn"].rpartition("::")[2]: item for item in exported["deployment"].get("resources", [])}
