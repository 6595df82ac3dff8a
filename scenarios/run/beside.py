"""A shadow in a process of its own, so that the run that it follows never waits for it.

What the run records and commands is handed over as it happens; verdicts come back a little later. Which readings are
not good goes into the log of the run, and the reduction does not get them (`scenarios.run.shadow.good`).
"""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from typing import Any

from scenarios.run.shadow import MEMBERS, Shadow, Verdict, doubtful, summary, taken_out
from scenarios.schema import Scenario
from twin.command import command
from twin.errors import SimulationError
from twin.piece import Piece
from twin.recorder import Block, Blocks, Recorder
from twin.twin import Twin

_shadow: Shadow | None = None
"""Of the process."""


class Beside:
    """A shadow of a run under way; a context.

    Parameters
    ----------
    scenario : of the run.
    members : of the ensemble, of each kind.
    tell : takes each alarm as a line, from another thread.
    """

    def __init__(self, scenario: Scenario, tell: Callable[[str], None], members: int = MEMBERS) -> None:
        self.members = members
        self.verdicts: list[Verdict] = []
        self._tell = tell
        self._known: set[tuple[str, str, int]] = set()
        self._waiting: deque[Future[Any]] = deque()
        self._commands: list[Block] = []
        self._recorder: Recorder | None = None
        self._failed = ""
        self._pool = ProcessPoolExecutor(
            1, mp_context=get_context("forkserver"), initializer=_begin, initargs=(scenario, members)
        )

    def __enter__(self) -> Beside:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def ready(self) -> None:
        """Wait until its twins have been built.

        Raises
        ------
        SimulationError
            If they cannot be.
        """
        try:
            self._pool.submit(_built).result()
        except Exception as error:  # whatever it is, in the other process
            raise SimulationError(f"the shadow cannot be built: {error}") from error

    def follow(self, twin: Twin) -> None:
        """From now on, be told what this twin is told and what it records; what it has recorded before comes first."""
        recorder, clock = twin.recorder, twin.clock
        self._recorder = recorder
        self._known = {taken_out(block) for block in recorder.log if doubtful(block)}
        if len(recorder.readings) or len(recorder.log):
            self._waiting.append(self._pool.submit(_go_through, list(recorder.readings), recorder.log))

        def told(instrument: str, timeline: str, laws: tuple[Piece, ...]) -> None:
            block = command(instrument, timeline, laws, clock.now)
            recorder.record_log(block)
            self._commands.append(block)

        twin.bench.told = told
        recorder.heard = self._heard

    def concluded(self) -> dict[str, Any]:
        """Wait for all verdicts, and summarise them.

        Raises
        ------
        SimulationError
            If the shadow has failed; the run is complete then, and can be resumed for a verdict.
        """
        self._collect(wait=True)
        if self._failed:
            raise SimulationError(f"the shadow has failed: {self._failed}; run --resume judges all blocks again")
        return summary(self.verdicts, self.members)

    def _heard(self, block: Block) -> None:
        """A block of readings has been recorded."""
        self._collect()
        if self._failed:
            return
        commands, self._commands = self._commands, []
        try:
            future = self._pool.submit(_judge, commands, block)
        except RuntimeError as error:  # its process has ended
            self._fail(error)
            return
        future.add_done_callback(self._alarm)
        self._waiting.append(future)

    def _alarm(self, future: Future[Verdict | None]) -> None:
        verdict = None if future.cancelled() or future.exception() else future.result()
        if verdict is not None and verdict.alarm:
            self._tell(f"alarm: {verdict}")

    def _collect(self, *, wait: bool = False) -> None:
        """Keep the verdicts that have come, and log what is not good."""
        while self._waiting and (wait or self._waiting[0].done()):
            try:
                found: Any = self._waiting.popleft().result()
            except Exception as error:  # whatever it is, the run is worth more, and goes on
                self._fail(error)
                return
            for verdict in found if isinstance(found, list) else [found]:
                if verdict is not None:
                    self._keep(verdict)

    def _fail(self, error: Exception) -> None:
        self._failed = str(error) or type(error).__name__
        self._waiting.clear()
        self._tell(f"the shadow has failed: {self._failed}; the run goes on, and nobody judges it")

    def _keep(self, verdict: Verdict) -> None:
        self.verdicts.append(verdict if verdict.alarm else verdict.slim())
        if verdict.alarm and verdict.block.source == "real" and taken_out(verdict.block) not in self._known:
            assert self._recorder is not None
            self._recorder.record_log(verdict.for_the_log())


# --- in the process --------------------------------------------------------------------------------------------------


def _begin(scenario: Scenario, members: int) -> None:
    global _shadow
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run decides when to end
    threading.Thread(target=_end_with_the_run, daemon=True).start()
    _shadow = Shadow(scenario, members)


def _end_with_the_run() -> None:
    """Nobody else tells this process that the run was killed."""
    run = parent_process()
    assert run is not None
    run.join()
    os._exit(1)


def _built() -> bool:
    return _shadow is not None


def _judge(commands: Sequence[Block], block: Block) -> Verdict | None:
    assert _shadow is not None
    for one in commands:
        _shadow.follow(one)
    verdict = _shadow.judge(block)
    _shadow.verdicts.clear()  # the other process keeps them
    return verdict


def _go_through(readings: list[Block], log: Blocks) -> list[Verdict]:
    assert _shadow is not None
    _shadow.go_through(readings, log)
    found, _shadow.verdicts = _shadow.verdicts, []
    return found
