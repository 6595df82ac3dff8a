"""Components: the parts of an instrument, as parameters, ports and one equation each.

A component declares its parameters (`twin.parameter.parameter`), its ports with unit and direction, and one job: given
its input signals, return its output signals. It knows neither the clock nor its neighbours; the graph wires it. Four
kinds differ in how outputs follow from inputs:

- `Component`: at every instant from the inputs of that instant (`signals`);
- `LinearComponent`: through a linear, time-invariant state (`state_space`), propagated exactly;
- `NonlinearComponent`: through ``dx/dt = f(x, inputs)`` (`derivative`);
- `ImplicitComponent`: as the value that makes a residual vanish (`residual`), such as the ideal servo's current.

An *instrument* (`twin.instrument`) is a component that also has operations in time.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PrivateAttr, field_validator

from twin.errors import ComponentError
from twin.fault import FaultKind, FaultSignal, PlannedFault
from twin.noise import Streams, draw_calibration
from twin.parameter import Parameters, unit_of
from twin.signal import Constant, Signal
from twin.uncertainty import Uncertainty, read_uncertainty

Array = NDArray[np.float64]
_NUMBERS = (float, float | None)


@dataclass(frozen=True)
class Port:
    """A named connection point.

    Parameters
    ----------
    unit : SI unit of the signal, such as ``"V"``.
    default : for an input, the constant value it has when nothing is wired to it; an input without default must be
        wired.
    kind : ``"signal"``, or ``"field"`` for a signal with a position argument.
    """

    unit: str
    default: float | None = None
    kind: Literal["signal", "field"] = "signal"


@dataclass(frozen=True)
class StateSpace:
    """``dx/dt = A x + B u``, ``y = C x + D u``, with the state `x0` at the start.

    ``A`` (n, n) in 1/s and ``B`` (n, inputs), ``C`` (outputs, n), ``D`` (outputs, inputs); inputs and outputs in the
    order of the component's ports. ``A`` may be given in extended precision (`numpy.longdouble`): the slow modes of a
    stiff system are found to that precision.
    """

    a: NDArray[Any]
    b: NDArray[Any]
    c: NDArray[Any]
    d: NDArray[Any]
    x0: NDArray[Any]


class Component(Parameters):
    """A part whose outputs follow at every instant from its inputs.

    Subclasses declare `inputs` and `outputs` and write `signals`.
    """

    inputs: ClassVar[Mapping[str, Port]] = {}
    outputs: ClassVar[Mapping[str, Port]] = {}
    depends: ClassVar[Mapping[str, frozenset[str]]] = {}
    """Outputs that follow from some of the inputs only, each with these; they are known before the others, so that a
    loop through the others is none through them."""
    faults: ClassVar[Mapping[str, FaultKind]] = {}
    """What can go wrong with it, by name."""

    uncertainties: dict[str, Uncertainty] = Field(
        default={},
        description="standard uncertainty of a parameter, by its name",
        json_schema_extra={"neutral": {}},
    )
    certified: list[str] = Field(
        default=[],
        description="deviations, such as gain or offset, whose values its certificate states",
    )

    _name: str = PrivateAttr(default="")
    _planned_faults: tuple[PlannedFault, ...] = PrivateAttr(default=())

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """A private attribute, which pydantic takes long to find."""
            private = object.__getattribute__(self, "__pydantic_private__")
            return private[name] if private and name in private else super().__getattr__(name)

    @property
    def name(self) -> str:
        """The component's name in the graph, which also keys its noise streams."""
        return self._name or type(self).__name__

    def fresh(self) -> Self:
        """A new part with the same parameters, without a name and bound to nothing."""
        kind: Any = type(self)
        made: Self = kind.model_construct(set(self.model_fields_set), **{k: vars(self)[k] for k in kind.model_fields})
        return made

    def named(self, name: str) -> Self:
        """This component, called `name` from now on."""
        self._name = name
        return self

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        """The output signals, by port, for the given input signals."""
        raise ComponentError(f"{type(self).__name__} must write signals()")

    # --- what is not as it should be ---------------------------------------------------------------------------------

    @field_validator("uncertainties", mode="before")
    @classmethod
    def _read_uncertainties(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        units = {key: unit_of(field) for key, field in cls.model_fields.items() if field.annotation in _NUMBERS}
        known = [key for key, unit in units.items() if unit is not None]
        found: dict[str, Any] = {}
        for key, value in given.items():
            unit = units.get(key)
            if unit is None:
                raise ValueError(f"expected the name of one of its parameters ({', '.join(known)}), not {key!r}")
            found[key] = read_uncertainty(value, unit)
        return found

    @field_validator("certified")
    @classmethod
    def _has_what_is_certified(cls, names: list[str]) -> list[str]:
        known = [key for key, f in cls.model_fields.items() if f.annotation in _NUMBERS and unit_of(f) is not None]
        for name in names:
            if name not in known:
                raise ValueError(f"expected names of its parameters ({', '.join(known)}), not {name!r}")
        return names

    def believed(self, parameter: str) -> float | None:
        """The value of a parameter that is in force, also where its default hangs on others."""
        value: float | None = getattr(self, parameter)
        return value

    def standard_uncertainty(self, parameter: str) -> float:
        """Standard uncertainty of a parameter in its unit; 0 if none is stated."""
        stated, value = self.uncertainties.get(parameter), self.believed(parameter)
        return 0.0 if stated is None or value is None else stated.standard(value)

    def drawn(self, streams: Streams) -> Self:
        """The part as it truly is: parameters with an uncertainty deviate by errors drawn from their distributions.

        An error depends on the seed, the part's name and the parameter's, and on nothing else.
        """
        true: dict[str, float] = {}
        for key, stated in self.uncertainties.items():
            value, u = self.believed(key), self.standard_uncertainty(key)
            if value is not None and u > 0:
                true[key] = value + draw_calibration(streams, f"{self.name}.{key}", u, stated.distribution)
        return self.model_copy(update=true) if true else self

    def plan_faults(self, faults: Iterable[PlannedFault]) -> None:
        """Say what will go wrong; before the part is wired."""
        self._planned_faults = tuple(faults)

    def planned(self, kind: str) -> tuple[PlannedFault, ...]:
        """The faults of a kind that are planned."""
        return tuple(fault for fault in self._planned_faults if fault.kind == kind)

    def fault(self, kind: str) -> Signal:
        """The size of a fault in time: zero for good if none is planned."""
        planned = self.planned(kind)
        return FaultSignal(f"{self.name}.{kind}", planned) if planned else Constant(0.0)

    def neutral_inputs(self) -> frozenset[str]:
        """Inputs that have no influence with the present parameters; their edges are removed before groups are
        found."""
        return frozenset()

    def tables(self) -> dict[str, Any]:
        """Parameters that hold what a file holds, in place of those that name it; none by default."""
        return {}

    def scaled(self, factor: float) -> Self:
        """The same part with all its geometry multiplied by `factor`; by default it does not change."""
        return self


class LinearComponent(Component):
    """A part with a linear, time-invariant state; the engine propagates it exactly."""

    @abstractmethod
    def state_space(self) -> StateSpace:
        """The matrices, with inputs and outputs in the order of the ports."""


class NonlinearComponent(Component):
    """A part with a state that follows ``dx/dt = f(x, inputs)``; its first outputs, in order, are its states."""

    @abstractmethod
    def derivative(self, x: Array, **inputs: Array) -> Array:
        """dx/dt, shape (states, times), for states `x` of that shape and inputs of shape (times,)."""

    @abstractmethod
    def initial_state(self) -> Array:
        """The state at the start, shape (states,)."""

    def linear_part(self) -> Array:
        """A constant matrix near the Jacobian, shape (states, states): solved exactly, so that the rest converges
        fast."""
        n = len(self.outputs)
        return np.zeros((n, n))


class ImplicitComponent(Component):
    """A part whose first output is the value at which `residual` vanishes: a loop without state that is meant.

    Further outputs are those of `signals`; `depends` says which inputs each follows from, none of them from the loop.
    The residual is evaluated pointwise in time, so that the value at one instant depends on that instant alone.
    """

    typical: ClassVar[float] = 1.0
    """Order of magnitude of the solution, from which the iteration starts."""

    @property
    def unknown(self) -> str:
        """The output that is solved for."""
        return next(iter(self.outputs))

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        return {}

    @abstractmethod
    def residual(self, **inputs: Signal) -> Signal:
        """The signal that has to be zero; it depends on the output through the loop in the graph."""
