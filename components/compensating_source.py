"""The source of a compensating current, which no servo controls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from components.current_source import CurrentSource
from twin.component import Port


class CompensatingSource(CurrentSource):
    """A current source that delivers what it is set to; its gain error is that of the compensation."""

    inputs: ClassVar[Mapping[str, Port]] = {**CurrentSource.inputs, "demand": Port("A", default=0.0)}
