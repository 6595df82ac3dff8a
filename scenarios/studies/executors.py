"""Where the points of a study are computed: processes on this machine, or a Dask cluster; both are an `Executor`."""

from __future__ import annotations

import gc
import multiprocessing
import os
import re
import signal
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager

from twin.errors import InputError

_ADDRESS = re.compile(r"\w+://\S+:\d+")
WAIT = 10.0
"""How long a scheduler may take to answer (s)."""
START = 1.5
"""How long processes take until they compute at their full speed (s), about; most of it is what they import."""
SEVERAL_TWINS = 20_000
"""Objects that are made until garbage is looked for: those of a few points."""


class ClusterError(InputError):
    """A cluster cannot be used."""


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processes(workers: int) -> ProcessPoolExecutor:
    """So many processes on this machine, each started afresh, with one thread each for linear algebra."""
    for library in ("OPENBLAS", "MKL", "OMP"):  # our matrices are small: threads would only wait for each other
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context(method)
    if method == "forkserver":
        context.set_forkserver_preload(["scenarios.studies.outputs"])
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_settle)


def _settle() -> None:
    """Ctrl-C is for the process that keeps the results; what has been imported is no garbage to look through.

    A twin is garbage as a whole when its point has been computed: looked for while no other is being built, it is found
    at the first look.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()
    gc.set_threshold(SEVERAL_TWINS)


@contextmanager
def cluster(address: str, wait: float = WAIT) -> Iterator[tuple[Executor, int]]:
    """The workers of a Dask scheduler, and how many threads they have.

    Parameters
    ----------
    address : of the scheduler, such as ``tcp://127.0.0.1:8786``; kibble-twin has to be installed where its workers run.
    wait : for an answer (s).

    Raises
    ------
    ClusterError
        If Dask is not installed, the scheduler does not answer, or it has no worker.
    """
    if not _ADDRESS.fullmatch(address):
        raise ClusterError(f"expected the address of a scheduler, such as tcp://127.0.0.1:8786, not {address!r}")
    try:
        from distributed import Client
    except ImportError:
        raise ClusterError("a cluster needs Dask: pip install 'kibble-twin[dask]'") from None
    import logging

    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what goes wrong is said by us, in a line
    try:
        client = Client(address, timeout=wait, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ClusterError(f"{address}: no Dask scheduler answers there: {reason}") from None
    try:
        try:
            client.wait_for_workers(1, timeout=wait)
        except TimeoutError:
            raise ClusterError(
                f"{address}: the scheduler has no workers; start some with: dask worker {address}"
            ) from None
        threads = sum(client.nthreads().values())
        with client.get_executor(pure=False, retries=2) as executor:
            yield executor, threads
    finally:
        client.close()
