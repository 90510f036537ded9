"""Another team's program (examples/consumer) beside a rolled-out stack, deployed with that team's rights alone."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from tests.integration.stack.checkout import ROOT, Checkout

EXAMPLE = ROOT / "examples" / "consumer"
CLIENT = ROOT / "clients" / "platform_exports"
PACKAGES = "packages"


class Consumer:
    """The shop's own project, in a folder of the platform's sandbox, whose backend holds both stacks."""

    def __init__(self, platform: Checkout) -> None:
        self._platform = platform
        self.folder = platform.folder / ".sandbox" / "consumer"
        shutil.copytree(EXAMPLE, self.folder, ignore=shutil.ignore_patterns("__pycache__"))
        _install_client(self.folder / PACKAGES)
        platform.kubectl("apply", "-f", str(self.folder / "rights.yaml"))
        self._log_in()
        self.environment = {
            **platform.environment,
            "KUBECONFIG": str(self.folder / "kubeconfig"),
            "PYTHONPATH": str(self.folder / PACKAGES),
        }
        # `pulumi stack init` takes no stack from the environment.
        self.pulumi("stack", "init", "organization/shop/dev", "--no-select")

    def _log_in(self) -> None:
        """Write a kubeconfig that reaches the cluster by the token of the team's account alone."""
        config = yaml.safe_load(Path(self._platform.environment["KUBECONFIG"]).read_text())
        token = self._platform.kubectl("create", "token", "deployer", "-n", "shop").strip()
        config["users"] = [{"name": "shop", "user": {"token": token}}]
        config["contexts"] = [{"name": "shop", "context": {"cluster": config["clusters"][0]["name"], "user": "shop"}}]
        config["current-context"] = "shop"
        file = self.folder / "kubeconfig"
        file.touch(mode=0o600)
        file.write_text(yaml.safe_dump(config))

    def pulumi(self, *arguments: str) -> str:
        """Run one command in the team's project and return what it printed."""
        command = ["pulumi", "--non-interactive", "--color=never", *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def may(self, verb: str, what: str, namespace: str) -> bool:
        """Tell whether the team's account has a right."""
        command = ["kubectl", "auth", "can-i", verb, what, "-n", namespace]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, timeout=30)
        return done.stdout.strip() == "yes"

    def remove(self) -> None:
        """Take back what the platform team granted, and the project."""
        self._platform.kubectl("delete", "--ignore-not-found", "-f", str(self.folder / "rights.yaml"))
        shutil.rmtree(self.folder)


def _install_client(target: Path) -> None:
    """Build the client's wheel and install it, as another team's environment would."""
    uv = [sys.executable, "-m", "uv", "--quiet", "--offline"]
    wheels = target.parent / "wheels"
    _run([*uv, "build", "--wheel", "--out-dir", str(wheels), str(CLIENT)])
    (wheel,) = wheels.glob("*.whl")
    _run([*uv, "pip", "install", "--no-deps", "--target", str(target), str(wheel)])


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=dict(os.environ))
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
