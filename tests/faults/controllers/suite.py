"""All cases, and how they are run: many namespaces at a time under one control plane."""

from __future__ import annotations

import asyncio
import time
import traceback
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.faults.controllers import kills
from tests.faults.controllers.api import Api, Cluster, Resource, administrator
from tests.faults.controllers.disturbances import REGISTERED
from tests.faults.controllers.ends import Ends
from tests.faults.controllers.kills import Tally
from tests.faults.controllers.lab import Lab, eventually, open_lab
from tests.faults.controllers.subjects import SUBJECTS, Subject

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
    from pathlib import Path

    from tests.faults.controllers.registry import Run

# Each lab keeps one controller and the API server busy now and then.
LABS_AT_ONCE = 4
_LOG_SHOWN = 3000
CRDS = Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions")


@dataclass(frozen=True)
class Case:
    """One row of the table."""

    subject: Subject
    name: str
    run: Run
    alone: bool = False
    """Whether it disturbs the control plane, so that no other case may run meanwhile."""

    @property
    def id(self) -> str:
        """The case's name in reports."""
        return f"{self.subject.name}: {self.name}"


@dataclass(frozen=True)
class Outcome:
    """What became of a case."""

    case: Case
    tally: Tally
    seconds: float


def cases(*, thorough: bool) -> Sequence[Case]:
    """Return all cases; a thorough round changes every field, and kills both before and after each answer."""
    killing = [
        Case(subject, f"kill: {scenario.name}", _killing(scenario, thorough=thorough))
        for subject in SUBJECTS.values()
        for scenario in kills.scenarios(subject, thorough=thorough)
    ]
    disturbing = [
        Case(subject, each.name, each.run, each.alone) for subject in SUBJECTS.values() for each in REGISTERED
    ]
    return [*killing, *disturbing]


def _killing(scenario: kills.Scenario, *, thorough: bool) -> Run:
    async def run(lab: Lab) -> Tally:
        await lab.start()
        runs = kills.Runs(lab, scenario, await Ends.of(lab))
        await runs.undisturbed()
        for answered in (False, True) if thorough else (False,):
            await runs.killed(answered=answered)
        return runs.tally

    return run


async def run_all(
    chosen: Sequence[Case], kubeconfig: Path, folder: Path, report: Callable[[Outcome], None]
) -> list[Outcome]:
    """Run cases, those that need the control plane for themselves last, and report each when it is through."""
    cluster = Cluster.read(kubeconfig)
    gate = asyncio.Semaphore(LABS_AT_ONCE)
    outcomes: list[Outcome] = []

    async with prepared(cluster, {case.subject.name: case.subject for case in chosen}.values()) as api:

        async def one(case: Case) -> None:
            async with gate:
                outcome = await _run(case, cluster, api, folder)
            outcomes.append(outcome)
            report(outcome)

        await asyncio.gather(*(one(case) for case in chosen if not case.alone))
        for case in chosen:
            if case.alone:
                await one(case)
    return outcomes


@asynccontextmanager
async def prepared(cluster: Cluster, subjects: Iterable[Subject]) -> AsyncGenerator[Api]:
    """Open a session as an administrator when the CRDs of ``subjects`` are served."""
    async with administrator(cluster) as api:
        for subject in subjects:
            name = subject.crd["metadata"]["name"]
            await api.patch(CRDS, "", name, subject.crd, how="apply")

            async def served(subject: Subject = subject) -> None:
                await api.list(subject.resource)

            await eventually(served)
        yield api


async def _run(case: Case, cluster: Cluster, api: Api, folder: Path) -> Outcome:
    start = time.monotonic()
    async with open_lab(cluster, api, case.subject, folder) as lab:
        try:
            tally = await case.run(lab) or Tally()
        except Exception:  # noqa: BLE001  whatever goes wrong is this case's failure
            tally = Tally(failures=[traceback.format_exc()])
        for controller in lab.controllers:
            if tally.failures:
                tally.failures.append(f"Last lines of its log:\n{controller.log()[-_LOG_SHOWN:]}")
    return Outcome(case, tally, time.monotonic() - start)
