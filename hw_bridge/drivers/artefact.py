"""A real part that nobody talks to: a resistor, a coil, a magnet. It is there, and that is all the twin knows."""

from __future__ import annotations

from typing import Any

from hw_bridge.drivers.driver import Driver
from hw_bridge.errors import BridgeError
from scenarios.schema.hardware import Hardware


class Artefact(Driver):
    """A part without a connection."""

    operated = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        given = {"resource": self.hardware.resource, "calibration": self.hardware.calibration.model_dump()}
        for key in given:
            if given[key] != Hardware(driver="artefact").model_dump()[key]:
                raise BridgeError(
                    f"{self.name}: nobody talks to an artefact: it takes no hardware.{key}; what its certificate says "
                    "are its parameters",
                    self.name,
                )
        self.identity = "artefact"

    def open(self) -> None:
        """Nothing to connect to."""

    def make_safe(self) -> str:
        return "artefact: nothing to switch"

    def close(self) -> bool:
        """Nothing to let go of."""
        return True
