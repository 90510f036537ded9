"""Runs containers of the images by a containerd of the tests' own: as a node does, with nothing but a kernel below."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from syncing import eventually

from sandbox import images

# Namespaces of its own for mounts and processes: with the first process, all that it started is gone.
_UNSHARE = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
# What runc keeps goes with them too.
_START = 'mount -t tmpfs tmpfs /run && exec containerd --log-level=warn --config "$1"'
_CONFIGURATION = """\
version = 2
root = "{folder}/root"
state = "{folder}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "{folder}/socket"
[plugins."io.containerd.internal.v1.opt"]
  path = "{folder}/opt"
"""


def why_not() -> str:
    """Return why no container can run here, or nothing."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "containers need root on Linux"
    missing = [name for name in ("containerd", "ctr", "runc", "unshare") if shutil.which(name) is None]
    return f"{', '.join(missing)} not installed" if missing else ""


class FailedError(Exception):
    """What a failed command said."""


class Container:
    """A running container; its processes run as the image's user, on a read-only root, without new privileges."""

    def __init__(self, runtime: "Runtime", name: str) -> None:
        self._runtime = runtime
        self.name = name

    @property
    def pid(self) -> str:
        lines = self._runtime.ctr("task", "ls").splitlines()
        return next(line.split()[1] for line in lines if line.startswith(self.name))

    def run(self, *command: str) -> str:
        """Run a command in the container as its user."""
        return self._runtime.printed("task", "exec", f"--exec-id=e{uuid4().hex[:8]}", arguments=(self.name, *command))

    def succeeds(self, *command: str) -> bool:
        try:
            self.run(*command)
        except FailedError:
            return False
        return True


class Runtime:
    """A containerd that runs, and what it runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._socket = folder / "socket"
        self._imported: set[str] = set()

    def ctr(self, *arguments: str) -> str:
        command = ["ctr", "--address", str(self._socket), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        if done.returncode:
            raise FailedError(f"{done.args}: {done.stdout}{done.stderr}")
        return done.stdout

    def answers(self) -> bool:
        return (
            self._socket.exists()
            and subprocess.run(
                ["ctr", "--address", str(self._socket), "version"], capture_output=True, check=False, timeout=60
            ).returncode
            == 0
        )

    def once(self, image: str, *command: str, options: tuple[str, ...] = ()) -> str:
        """Run a command of an image to its end and return what it prints."""
        return self.printed("run", "--rm", arguments=(*self._run_arguments(image, options), *command))

    def printed(self, *start: str, arguments: tuple[str, ...]) -> str:
        """Return all of a process's output and what containerd keeps of its errors.

        By a file: through the FIFOs of `ctr`, 1 % of short processes lose their output on a busy machine.
        """
        log = self._folder / f"{uuid4().hex[:8]}.log"
        try:
            self.ctr(*start, f"--log-uri={log.as_uri()}", *arguments)
        except FailedError as error:
            raise FailedError(f"{error}{log.read_text() if log.exists() else ''}") from error
        return log.read_text()

    @contextmanager
    def running(self, image: str, *command: str, options: tuple[str, ...] = ()) -> Generator[Container]:
        arguments = self._run_arguments(image, options)
        name = arguments[-1]
        log = self._folder / name
        self.ctr("run", "--detach", f"--log-uri={log.as_uri()}", *arguments, *command)
        try:
            yield Container(self, name)
        except BaseException:
            sys.stdout.write(f"{name}:\n{log.read_text()}")
            raise
        finally:
            self._stop(name)

    def _stop(self, name: str) -> None:
        """End it as a kubelet does when the time of grace is over."""
        with suppress(FailedError):  # it has ended by itself
            self.ctr("task", "kill", "--signal=SIGKILL", name)
        assert eventually(
            lambda: "STOPPED" in next(line for line in self.ctr("task", "ls").splitlines() if name in line)
        )
        self.ctr("task", "rm", name)
        self.ctr("container", "rm", name)

    @contextmanager
    def pod(self) -> Generator[tuple[str, ...]]:
        """Give the options by which containers share a network, as those of a pod do."""
        with self.running("pause") as pause:
            yield (f"--with-ns=network:/proc/{pause.pid}/ns/net",)

    def _run_arguments(self, image: str, options: tuple[str, ...]) -> list[str]:
        if image not in self._imported:
            self.ctr("images", "import", str(images.ensure(names=[image])[image]))
            self._imported.add(image)
        return ["--read-only", *options, images.reference(image), f"{image}-{uuid4().hex[:8]}"]


def writable(place: str) -> str:
    """Return the option for a folder in memory that every user may write."""
    return f"--mount=type=tmpfs,dst={place},options=mode=1777"


def mounted(folder: Path, place: str) -> str:
    """Return the option for a folder of this machine."""
    return f"--mount=type=bind,src={folder},dst={place},options=rbind:rw"


@contextmanager
def started() -> Generator[Runtime]:
    # Not pytest's own folder: the path of a socket has at most 107 characters.
    with tempfile.TemporaryDirectory(prefix="images-") as name:
        folder = Path(name)
        configuration = folder / "config.toml"
        configuration.write_text(_CONFIGURATION.format(folder=folder))
        with (folder / "log").open("w") as log:
            containerd = subprocess.Popen([*_UNSHARE, "sh", "-c", _START, "sh", configuration], stdout=log, stderr=log)
        try:
            runtime = Runtime(folder)
            assert eventually(runtime.answers), (folder / "log").read_text()
            yield runtime
        finally:
            containerd.kill()
            containerd.wait()
