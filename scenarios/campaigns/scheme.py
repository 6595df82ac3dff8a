"""What the schemes of a mass campaign have in common: cycles, one like the other, as steps."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from scenarios.campaigns.needs import MOTION_STAGE
from scenarios.schema.needs import Need
from twin.clock import Clock
from twin.parameter import Parameters
from twin.steps import Step

Array = NDArray[np.float64]


class Scheme(Parameters):
    """A mass campaign of `cycles` periods."""

    thermal_harmonics: ClassVar[tuple[int, ...]] = (1,)
    """Of the period, in the magnet's temperature."""
    kept: ClassVar[tuple[str, ...]] = ()
    """Names that the source keeps currents under."""
    in_series: ClassVar[bool] = False
    """Whether two windings weigh together."""

    beside: ClassVar[tuple[Need, ...]] = ()
    """Parts that not every balance has."""

    cycles: int
    moves: Literal["coil", "magnet"] = Field(
        "coil", description="in the velocity phase: the coil, or with a motion stage the magnet, while the coil stands"
    )

    @classmethod
    def needs(cls, given: Mapping[str, Any]) -> tuple[Need, ...]:
        """Parts that the scheme needs beside those of every balance, with these of its keys as they are written."""
        return (*cls.beside, *((MOTION_STAGE,) if given.get("moves") == "magnet" else ()))

    @property
    @abstractmethod
    def period(self) -> int:
        """Of a cycle, τ_c (ns)."""

    @property
    def duration(self) -> int:
        """Of the campaign (ns)."""
        return self.cycles * self.period

    @property
    def ramps(self) -> Array:
        """Begin and end of the ramps of the current in the coil (s), shape (ramps, 2); none where no scheme tells."""
        return np.zeros((0, 2))

    @property
    def comparisons(self) -> int:
        """Cycles of the data: how often masses on and off are compared."""
        return self.cycles

    def steps(self, components: Mapping[str, Any], clock: Clock, weighing_position: float) -> list[Step]:
        """The campaign as steps.

        Parameters
        ----------
        components : the instruments, by name; see `scenarios.campaigns.bench`.
        clock : of the run.
        weighing_position : z of the coil while weighing (m).

        Raises
        ------
        WiringError
            If an instrument is missing.
        """
        operations = self.operations(components, clock, weighing_position)
        return [step for cycle in range(self.cycles) for step in self.steps_of(operations, cycle)]

    @abstractmethod
    def operations(self, components: Mapping[str, Any], clock: Clock, weighing_position: float) -> Any:
        """What the scheme does with the instruments; the arguments are those of `steps`."""

    @abstractmethod
    def steps_of(self, operations: Any, cycle: int) -> Iterator[Step]:
        """The steps of a cycle, with the processes of `operations`."""
