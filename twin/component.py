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
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import PrivateAttr

from twin.errors import ComponentError
from twin.parameter import Parameters

if TYPE_CHECKING:
    from twin.signal import Signal

Array = NDArray[np.float64]


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

    _name: str = PrivateAttr(default="")

    @property
    def name(self) -> str:
        """The component's name in the graph, which also keys its noise streams."""
        return self._name or type(self).__name__

    def named(self, name: str) -> Self:
        """This component, called `name` from now on."""
        self._name = name
        return self

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        """The output signals, by port, for the given input signals."""
        raise ComponentError(f"{type(self).__name__} must write signals()")

    def neutral_inputs(self) -> frozenset[str]:
        """Inputs that have no influence with the present parameters; their edges are removed before groups are
        found."""
        return frozenset()

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
    """A part with one output, the value at which `residual` vanishes: a loop without state that is meant.

    The residual is evaluated pointwise in time, so that the value at one instant depends on that instant alone.
    """

    typical: ClassVar[float] = 1.0
    """Order of magnitude of the solution, from which the iteration starts."""

    @abstractmethod
    def residual(self, **inputs: Signal) -> Signal:
        """The signal that has to be zero; it depends on the output through the loop in the graph."""
