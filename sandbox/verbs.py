"""What a person can do with a sandbox; each verb is a target of the Makefile."""

from __future__ import annotations

import os
import shlex
import shutil
from typing import TYPE_CHECKING

import yaml

from sandbox import cluster, controllers, kubeconfig, nodes, pending, plugins, policies
from sandbox.cluster import real
from sandbox.errors import SandboxError
from sandbox.images.recipes import REGISTRY
from sandbox.stack import DEV, Stack
from sandbox.toolchain.charts import place, postgres_operator_chart
from sandbox.toolchain.crds import BEFORE_DEV, ensure_crds

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.folder import Folder
    from sandbox.progress import Progress
    from sandbox.toolchain import Toolchain


def tools(toolchain: Toolchain, progress: Progress) -> None:
    """Build and make all that an `up` on this machine will need."""
    ensure_crds(progress=progress)
    ensure_crds(BEFORE_DEV, progress)
    postgres_operator_chart(progress)
    if lacking := real.missing():
        progress.note(f"All tools are there: {toolchain.bin}. {lacking}")
    else:
        toolchain, _ = nodes.prepare(progress)
        progress.note(f"All tools and images are there: {toolchain.bin}")


def up(folder: Folder, tools: Toolchain, progress: Progress, context: str, wanted_nodes: str) -> None:
    """Start what isn't running, roll the stack `dev` out and say where to look next."""
    stack = Stack(folder, tools)
    if context:
        _borrow(folder, tools, context)
    elif _alive(folder, tools):
        nodes.refuse_other(wanted_nodes, folder)
    else:
        _start_cluster(folder, tools, progress, wanted_nodes)
    _prepare(stack, progress)
    held_to = policies.place(stack)
    _run(stack, "preview", *held_to)
    _run(stack, "up", "--yes", "--skip-preview", *held_to)
    if _runs_containers(folder):
        nodes.await_pods(folder, tools, progress)
    else:
        for name in controllers.start(folder, tools):
            progress.note(f"{name} runs; its log is {folder.shown(controllers.log_of(folder, name))}")
    make = "make" if "SANDBOX_DIR" in os.environ or folder.root.name == "default" else f"make NAME={folder.root.name}"
    progress.console.print(
        f"\nThe stack is up. What next:\n"
        f"  {make} shell     a shell in which kubectl and pulumi work on this sandbox\n"
        f"  {make} preview   what an edit of Pulumi.dev.yaml or of the program would change\n"
        f"  {make} status    what runs, and where the logs are\n"
        f"  {make} down      remove all of it"
    )


def preview(folder: Folder, tools: Toolchain, progress: Progress, stack_name: str) -> None:
    """Show what `up` would change; for another stack than `dev` what it would create here."""
    stack = Stack(folder, tools, stack_name)
    _require_cluster(folder, tools)
    if stack_name == DEV:
        _prepare(stack, progress)
        _run(stack, "preview", "--diff", *policies.place(stack))
        return
    # The stack names the context of its own cluster; for this preview that name stands for the sandbox.
    named = kubeconfig.renamed(folder.kubeconfig.read_text(), _context_of(folder, stack_name))
    _prepare(stack, progress)
    own = folder.root / f"kubeconfig-{stack_name}"
    kubeconfig.write(own, named)
    variables = {"KUBECONFIG": str(own), "PULUMI_OPTION_CONFIG_FILE": str(_for_a_smaller_cluster(stack))}
    _run(stack, "preview", "--diff", *policies.place(stack), **variables)


def down(folder: Folder, tools: Toolchain, progress: Progress) -> None:
    """Destroy what the stack declared, then stop and remove the sandbox; fine to repeat, and after a crash."""
    if not folder.root.exists():
        # Processes outlive a folder that was removed by hand.
        cluster.stop(folder.cluster, tools)
        progress.note("There is no sandbox, so there is nothing to do")
        return
    stack = Stack(folder, tools)
    held = len(stack.resources())
    if held and _alive(folder, tools):
        _prepare(stack, progress)
        _run(stack, "destroy", "--yes", "--skip-preview")
    elif held and folder.borrowed_context:
        raise SandboxError(
            f"The cluster of your context {folder.borrowed_context!r} doesn't answer, but {held} objects of this "
            f"sandbox are on it. Run `make down` again once it does."
        )
    _remove(folder, tools, progress)


def clean(folder: Folder, tools: Toolchain, progress: Progress) -> None:
    """Stop and remove the sandbox without destroying the stack first; refused on a cluster of the user's own."""
    if folder.borrowed_context and Stack(folder, tools).resources():
        raise SandboxError(
            f"The stack's objects are on the cluster of your context {folder.borrowed_context!r}, and only this "
            f"sandbox's state knows them: run `make down`, which destroys them first."
        )
    _remove(folder, tools, progress)


def status(folder: Folder, tools: Toolchain, progress: Progress) -> None:
    """Say what runs and where to look."""
    say = progress.console.print
    if not folder.root.exists():
        say("No sandbox; `make up` starts one.")
        return
    borrowed = folder.borrowed_context
    alive = _alive(folder, tools)
    say(f"Folder      {folder.shown(folder.root)}")
    real_nodes = _runs_containers(folder)
    own = f"its own control plane with {'real' if real_nodes else 'kwok'} nodes"
    say(f"Cluster     {f'your context {borrowed!r}' if borrowed else own}")
    say(f"API server  {kubeconfig.server(folder.kubeconfig) if alive else 'does not answer'}")
    say(f"Stack dev   {len(Stack(folder, tools).resources())} objects in the state")
    processes = ", ".join(controllers.running(folder)) or "none runs"
    say(f"Controllers {'pods, as declared' if real_nodes else processes}")
    say(f"Logs        {folder.shown(folder.logs)}")


def env(folder: Folder, tools: Toolchain) -> None:
    """Print lines for `eval` that make a shell work on the sandbox."""
    _require_cluster(folder, tools)
    for key, value in Stack(folder, tools).variables.items():
        print(f"export {key}={shlex.quote(value)}")


def shell(folder: Folder, tools: Toolchain, progress: Progress) -> None:
    """Become a shell that works on the sandbox."""
    _require_cluster(folder, tools)
    progress.note("kubectl and pulumi work on the sandbox in this shell; `exit` leaves it")
    program = os.environ.get("SHELL") or "/bin/sh"
    os.execve(program, [program], Stack(folder, tools).environment)  # noqa: S606 - the user's own shell


def _for_a_smaller_cluster(stack: Stack) -> Path:
    """Return a copy of the stack file that doesn't ask for as many nodes as the stack's own cluster has."""
    tracked = stack.folder.project / f"Pulumi.{stack.name}.yaml"
    document = yaml.safe_load(tracked.read_text())
    if (preflight := document["config"].get("platform:preflight")) is not None:
        preflight.setdefault("skip", {})["nodes"] = "the sandbox is smaller than the cluster of this stack"
    copy = stack.folder.root / tracked.name
    copy.write_text(yaml.safe_dump({**document, "encryptionsalt": stack.folder.salt.read_text().strip()}))
    return copy


def _start_cluster(folder: Folder, tools: Toolchain, progress: Progress, wanted_nodes: str) -> None:
    if folder.borrowed_context:
        raise SandboxError(f"The cluster of your context {folder.borrowed_context!r} doesn't answer.")
    if folder.state.exists():
        progress.note("The control plane is gone (a reboot?), and what it held went with it: starting both anew")
        controllers.stop(folder)
        shutil.rmtree(folder.state)
    folder.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    running = nodes.start_cluster(folder, tools, progress, nodes.chosen(wanted_nodes, folder, progress))
    folder.logs.mkdir(mode=0o700, exist_ok=True)
    link = folder.logs / "control-plane"
    link.unlink(missing_ok=True)
    link.symlink_to(running.logs)


def _borrow(folder: Folder, tools: Toolchain, context: str) -> None:
    """Take a copy of one context of the user's kubeconfig, so that no command can reach another cluster."""
    if folder.cluster.exists():
        raise SandboxError("This sandbox has a control plane of its own: `make down` first, or choose another NAME.")
    if f" {REGISTRY}/" in (folder.project / f"Pulumi.{DEV}.yaml").read_text():
        raise SandboxError(
            f"Pulumi.{DEV}.yaml names images of the sandbox ({REGISTRY}/…), which your cluster can't pull: take these "
            f"lines out, and the published images are used, or put in names of images that it can pull."
        )
    if folder.borrowed_context not in (None, context):
        raise SandboxError(f"This sandbox is on your context {folder.borrowed_context!r}: choose another NAME.")
    content = kubeconfig.of_user(context, tools)
    folder.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    kubeconfig.write(folder.borrowed_kubeconfig, content)
    folder.remember_context(context)


def _prepare(stack: Stack, progress: Progress) -> None:
    stack.prepare()
    plugins.place(stack.folder.pulumi_home, stack.toolchain, progress)
    place(stack.folder.project, progress)
    if stack.unlock():
        progress.note("Released the lock of an update that was killed")
    if pending.settle(stack):
        progress.note("Took over what a killed update had begun")


def _run(stack: Stack, *arguments: str, **variables: str) -> None:
    code = stack.pulumi(*arguments, **variables)
    if code:
        raise SandboxError(f"`pulumi {arguments[0]}` failed (exit code {code}); its own words are above.")


def _remove(folder: Folder, tools: Toolchain, progress: Progress) -> None:
    with progress.step("Stopping and removing the sandbox"):
        controllers.stop(folder)
        cluster.stop(folder.cluster, tools)
        if folder.root.exists():
            shutil.rmtree(folder.root)


def _require_cluster(folder: Folder, tools: Toolchain) -> None:
    if not folder.root.exists():
        raise SandboxError("There is no sandbox: run `make up` first.")
    if not _alive(folder, tools):
        raise SandboxError(
            "The sandbox's control plane does not run. Its objects are gone with it, so nothing can be compared: "
            "run `make up`, which starts anew, or `make down`."
        )


def _alive(folder: Folder, tools: Toolchain) -> bool:
    if folder.borrowed_context:
        return kubeconfig.answers(folder.kubeconfig, tools)
    return cluster.find(folder.cluster) is not None


def _runs_containers(folder: Folder) -> bool:
    running = cluster.find(folder.cluster)
    return running is not None and running.real


def _context_of(folder: Folder, stack_name: str) -> str:
    file = folder.project / f"Pulumi.{stack_name}.yaml"
    if not file.exists():
        known = ", ".join(sorted(each.name.split(".")[1] for each in folder.project.glob("Pulumi.*.yaml")))
        raise SandboxError(f"STACK is {stack_name!r}, but there is no {file.name}; allowed are {known}.")
    return yaml.safe_load(file.read_text())["config"]["platform:cluster"]["context"]
