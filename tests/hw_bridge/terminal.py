"""A serial line without hardware: a terminal of this machine, with an instrument at its other end."""

from __future__ import annotations

import importlib.util
import os
import threading

import pytest

try:
    import pty
    import tty
except ImportError:  # Windows
    pty = None  # type: ignore[assignment]

terminals = pytest.mark.skipif(
    pty is None or importlib.util.find_spec("pyvisa_py") is None, reason="no terminals of this kind, or no pyvisa"
)


class Serial:
    """An instrument at a serial line, which is a terminal of this machine; it answers what it was asked.

    Attributes
    ----------
    end : of the line, where the driver is.
    more : what it sends after each answer, that nobody has asked for.
    mute : whether it answers late: with the next question.
    """

    def __init__(self) -> None:
        self._ours, self.end = pty.openpty()
        for end in (self._ours, self.end):
            tty.setraw(end)
        self.resource = f"ASRL{os.ttyname(self.end)}::INSTR"
        self.more, self.mute = b"", False
        self._kept = b""
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        asked = b""
        while True:
            asked += os.read(self._ours, 100)
            while b"\n" in asked:
                line, _, asked = asked.partition(b"\n")
                if line == b"END":
                    return
                answer = self._kept + b"answer to " + line + b"\n" + self.more
                self._kept = answer if self.mute else b""
                if not self.mute:
                    os.write(self._ours, answer)

    def close(self) -> None:
        """Nobody is there any more."""
        os.write(self.end, b"END\n")
        self._thread.join(20.0)
        assert not self._thread.is_alive()
        for end in (self._ours, self.end):
            os.close(end)
