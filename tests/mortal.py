"""What tests start ends with them, also if they are killed: a shell waits for the end of a pipe, and sees to it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

END = 'kill -KILL "$1"'
"""A process, by its number."""


@contextmanager
def seen_to(command: str, *arguments: object) -> Iterator[int]:
    """Should the tests end before the ``with`` does, run a shell command; gives the number of the process that waits.

    Parameters
    ----------
    command : for ``sh``; the arguments are ``$1`` and so on in it.
    """
    words = ["/bin/sh", "-c", f"read -r _; {command}", "mortal", *map(str, arguments)]
    nowhere = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(words, stdin=subprocess.PIPE, start_new_session=True, **nowhere) as waiting:
        try:
            yield waiting.pid
        finally:
            os.kill(waiting.pid, signal.SIGKILL)
