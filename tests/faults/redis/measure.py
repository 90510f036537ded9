"""What a fault cost: writers before, during and after it, and what is left of what they were promised."""

import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from tests.faults.redis.network import Host
from tests.faults.redis.pods import ROOT, eventually
from tests.faults.redis.stateful_set import StatefulSet
from tests.faults.redis.writer import Settings

# Seconds of undisturbed writing before a fault.
CALM = 2.0
# Seconds that a primary may acknowledge without its replicas: min-replicas-max-lag, which it counts in whole seconds
# and compares once a second, and one more for a machine on which a second may be late.
MAX_LAG = 10.0 + 2.0 + 1.0
# Seconds in which everything must have come back.
RECOVERY = 120.0
# Questions in one call of redis-cli.
_AT_ONCE = 2000


@dataclass(frozen=True)
class Acknowledged:
    """One write that a server has promised to keep."""

    number: int
    moment: float
    server: str


@dataclass
class Writer:
    """A writing process and its notes."""

    settings: Settings
    process: subprocess.Popen[bytes]

    def notes(self) -> list[Acknowledged]:
        lines = Path(self.settings.notes).read_text().splitlines()
        parts = (line.split() for line in lines)
        return [Acknowledged(int(number), float(moment), server) for number, moment, server in parts]

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@dataclass
class Result:
    """The figures of one run."""

    outage: float = 0.0
    """Longest time, in seconds, in which no write of the client that asks Sentinel was acknowledged."""
    acknowledged: int = 0
    lost_with_wait: int = 0
    lost_without_wait: int = 0
    lost_on_wrong_side: int = 0
    """Of a client that could only reach the old primary, and didn't ask for the replicas' acknowledgement."""
    lost_seconds: float = 0.0
    """From the first to the last lost write of one client."""
    dual_primary_writes: int = 0
    crashloops: int = 0
    notes: list[str] = field(default_factory=list)


class Trial:
    """One run: load, a fault, and the reckoning."""

    def __init__(self, redis: StatefulSet, folder: Path) -> None:
        self._redis = redis
        self._folder = folder
        folder.mkdir()

    def writer(self, name: str, host: Host, *, wait: int, server: str | None = None) -> Writer:
        settings = Settings(
            name=f"{self._folder.name}-{name}",
            sentinels=[pod.fqdn for pod in self._redis.pods],
            password_file=str(self._redis.secret / "app"),
            notes=str(self._folder / f"{name}.notes"),
            wait=wait,
            server=server,
            authority=str(self._redis.authority) if self._redis.authority else None,
        )
        Path(settings.notes).touch()
        process = host.start(
            [sys.executable, "-m", "tests.faults.redis.writer", settings.text()],
            environment={"PYTHONPATH": str(ROOT)},
            log=self._folder / f"{name}.log",
        )
        return Writer(settings, process)

    @contextmanager
    def load(self, result: Result) -> Generator[None]:
        """Write while the context lasts, then fill in the figures."""
        redis = self._redis
        client = redis.network.add("client")
        before = redis.primary()
        assert before.host
        quorum = len(redis.pods) // 2
        with_wait = self.writer("with-wait", client, wait=quorum)
        without_wait = self.writer("without-wait", client, wait=0)
        # On the primary's own host: what a partition separates from the rest.
        wrong_side = self.writer("wrong-side", before.host, wait=0, server=before.fqdn)
        writers = [with_wait, without_wait, wrong_side]
        try:
            for writer in writers:
                eventually(lambda writer=writer: bool(writer.notes()), 20, f"{writer.settings.name} writes")
            time.sleep(CALM)
            yield
            try:
                eventually(redis.settled, RECOVERY, "all pods are ready and known")
            except AssertionError:
                result.crashloops = sum(not pod.ready() for pod in redis.pods)
            time.sleep(CALM)
        finally:
            for writer in writers:
                writer.stop()
            redis.network.remove("client")
        self._reckon(result, with_wait, without_wait, wrong_side)

    def _reckon(self, result: Result, with_wait: Writer, without_wait: Writer, wrong_side: Writer) -> None:
        by_writer = {writer.settings.name: writer.notes() for writer in (with_wait, without_wait, wrong_side)}
        promised, loose, wrong = by_writer.values()
        result.acknowledged = len(promised) + len(loose) + len(wrong)
        result.outage = max(later.moment - earlier.moment for earlier, later in pairwise(loose))
        lost = [self._lost(with_wait, promised), self._lost(without_wait, loose), self._lost(wrong_side, wrong)]
        result.lost_with_wait, result.lost_without_wait, result.lost_on_wrong_side = map(len, lost)
        result.lost_seconds = max(notes[-1].moment - notes[0].moment if notes else 0.0 for notes in lost)
        result.dual_primary_writes = late_writes([*promised, *loose, *wrong])

    def _lost(self, writer: Writer, notes: list[Acknowledged]) -> list[Acknowledged]:
        primary = self._redis.primary()
        there: list[str] = []
        for start in range(0, len(notes), _AT_ONCE):
            keys = (f"{writer.settings.name}:{note.number}" for note in notes[start : start + _AT_ONCE])
            there += primary.cli(script="".join(f"EXISTS {key}\n" for key in keys)).split()
        return [note for note, answer in zip(notes, there, strict=True) if answer == "0"]


def late_writes(acknowledged: list[Acknowledged]) -> int:
    """Return how many writes one server acknowledged while another had done so for longer than a primary may lag."""
    streaks = sorted(
        streak for server in {note.server for note in acknowledged} for streak in _streaks(acknowledged, server)
    )
    late = 0
    for position, earlier in enumerate(streaks):
        for later in streaks[position + 1 :]:
            # The streaks of one server never overlap.
            late += sum(later[0] + MAX_LAG < moment <= later[-1] for moment in earlier)
    return late


def _streaks(acknowledged: list[Acknowledged], server: str) -> Iterator[list[float]]:
    """Yield the times in which a server took writes without a pause of more than a second."""
    moments = sorted(note.moment for note in acknowledged if note.server == server)
    streak = moments[:1]
    for before, moment in pairwise(moments):
        if moment - before > 1:
            yield streak
            streak = []
        streak.append(moment)
    yield streak
