"""A real part that nobody talks to: a resistor, a coil, a magnet. It is there, and that is all the twin knows."""

from __future__ import annotations

from typing import Any

from hw_bridge.drivers.driver import Driver


class Artefact(Driver):
    """A part without a connection."""

    operated = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.identity = "artefact"

    def open(self) -> None:
        """Nothing to connect to."""

    def make_safe(self) -> str:
        return "artefact: nothing to switch"

    def close(self) -> bool:
        """Nothing to let go of."""
        return True
