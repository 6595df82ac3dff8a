"""A small balance for the tests of `scenarios.schema`: component classes as a balance has them, and a scenario of them.

`installed` puts the classes where entry points would.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import EntryPoint
from typing import Any, ClassVar, Literal, Self

import pytest
from pydantic import Field

from scenarios.schema import Scenario, load_text
from twin import plugins
from twin.component import Component, Port
from twin.parameter import Parameters, parameter


class Magnet(Component):
    """A magnet with a field at its centre and a temperature coefficient."""

    inputs: ClassVar[Mapping[str, Port]] = {"temperature": Port("K", default=298.15)}
    outputs: ClassVar[Mapping[str, Port]] = {"field": Port("T", kind="field")}

    material: Literal["SmCo", "NdFeB"] = "SmCo"
    flux_density: float = parameter("T", gt=0, source="a test")
    temperature_coefficient: float = parameter("1/K", 0.0, neutral=0.0)
    profile: tuple[float, ...] = parameter("1", (1.0,), min_length=1, max_length=4)
    gap_height: float = parameter("m", 0.05, gt=0)

    def scaled(self, factor: float) -> Self:
        """The gap grows with the balance."""
        return self.model_copy(update={"gap_height": self.gap_height * factor})


class Winding(Parameters):
    """One winding of a coil."""

    turns: int = Field(100, ge=1)
    radius: float = parameter("m", 0.1, gt=0)


class Coil(Component):
    """A coil with a resistance and one or more windings."""

    inputs: ClassVar[Mapping[str, Port]] = {"field": Port("T", kind="field"), "current": Port("A")}
    outputs: ClassVar[Mapping[str, Port]] = {"voltage": Port("V"), "force": Port("N")}

    resistance: float = parameter("ohm", gt=0)
    mass: float = parameter("kg", 0.5, gt=0)
    windings: tuple[Winding, ...] = (Winding(),)
    bifilar: bool = False
    label: str = ""


class Noise(Parameters):
    """Noise of an instrument."""

    white: float = parameter("V/Hz**0.5", 0.0, neutral=0.0, ge=0)


class Voltmeter(Component):
    """A voltmeter."""

    inputs: ClassVar[Mapping[str, Port]] = {"voltage": Port("V")}
    outputs: ClassVar[Mapping[str, Port]] = {"reading": Port("V")}

    gain: float = parameter("1", 0.0, neutral=0.0)
    offset: float | None = parameter("V", None)
    range: float | tuple[float, ...] = parameter("V", 10.0)
    noise: Noise = Noise()


class CurrentSource(Component):
    """A current source."""

    outputs: ClassVar[Mapping[str, Port]] = {"current": Port("A")}

    limit: float = parameter("A", 0.02, gt=0)


class Tmtp(Parameters):
    """A campaign of two modes and two phases."""

    duration: float = parameter("s", 28800.0, gt=0)
    current: float = parameter("A", 3.5e-3)
    orders: tuple[int, ...] = (1, 2)
    first: Literal["weighing", "velocity"] = "weighing"


class Reduction(Parameters):
    """Parameters of a reduction."""

    order: int = Field(3, ge=0, le=9)
    buoyancy: bool = True


class Thermal(Parameters):
    """Parameters of a thermal analysis."""

    window: float = parameter("s", 3600.0, gt=0)


MODELS: dict[str, type[Parameters]] = {"reduction": Reduction, "thermal": Thermal}
REGISTERED: dict[str, dict[str, Any]] = {
    plugins.COMPONENTS: {"magnet": Magnet, "coil": Coil, "voltmeter": Voltmeter, "current_source": CurrentSource},
    plugins.CAMPAIGNS: {"tmtp": Tmtp},
}

TEXT = """\
schema: 1
name: small
seed: 1
balance:
  name: Small
  scale: 0.5
  native_scale: 0.25
  # parameters hold at native_scale
  magnet:
    flux_density: 0.4 T
    temperature_coefficient: -300 ppm/K
    profile: [1, 0.01]
  coil:
    resistance: 250 ohm
    windings:
      - {turns: 200, radius: 60 mm}
      - radius: 65 mm
  source: {type: current_source}
  meter:
    type: voltmeter
    gain: 3 ppm
    noise: {white: 1e-8}
  wiring:
    coil.field: magnet.field
    coil.current: source.current
    meter.voltage: coil.voltage
campaign:
  type: tmtp
  duration: 8 h
reduction:
  order: 4
"""


@contextmanager
def installed() -> Iterator[None]:
    """The classes of this module, registered as an installed distribution would register them."""

    def registered(group: str) -> tuple[EntryPoint, ...]:
        return tuple(EntryPoint(name, f"parts:{name}", group) for name in REGISTERED.get(group, {}))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plugins, "_registered", registered)
        patch.setattr(plugins, "_load", lambda point: REGISTERED[point.group][point.name])
        yield


def small(text: str = TEXT, **settings: Any) -> Scenario:
    """The scenario of this module, or another text with its models."""
    return load_text(text, file="small.yaml", models=MODELS, **settings)
