"""From a graph to signals: groups for the states, compositions for everything between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from twin.component import ImplicitComponent, LinearComponent, NonlinearComponent, StateSpace
from twin.composition import add, scale
from twin.errors import ComponentError
from twin.graph import Graph
from twin.group import StateGroup
from twin.implicit import Implicit, Unknown
from twin.remainder import Remainder
from twin.signal import Constant, Signal
from twin.state import StateOutput
from twin.structure import Part

Array = NDArray[Any]


class _Open(Unknown):
    """Stands for an input that early outputs do not depend on."""

    open: ClassVar[bool] = True


class Assembly:
    """The signals of a graph.

    Parameters
    ----------
    wanted : outputs that somebody asks for, as ``component.port``; others are made only where these follow from them.
        None: all.

    Attributes
    ----------
    signals : every output that is made, by ``component.port`` (fields included).
    groups : the state groups, in topological order.
    members : the components of each.
    """

    def __init__(self, graph: Graph, wanted: Iterable[str] | None = None) -> None:
        self.graph, self.order = graph, graph.structure.order(wanted)
        self.signals: dict[str, Any] = {}
        self.groups: list[StateGroup] = []
        self._spaces: dict[str, StateSpace] = {}
        self._states: dict[str, tuple[StateGroup, slice]] = {}
        self._state_outputs: dict[str, list[StateOutput]] = {}
        self.members = self.order.states
        for names in self.members:
            self._found_group(names)
        for parts in self.order.static:
            self._build(parts)
        for group, names in zip(self.groups, self.members, strict=True):
            self._connect(group, names)

    def input(self, name: str, port: str) -> Any:
        """What is wired to an input: a signal, a field, or the constant that stands for nothing."""
        component = self.graph.components[name]
        source = self.graph.wiring.get(f"{name}.{port}")
        if source is None or port in self.graph.neutral[name]:
            return Constant(component.inputs[port].default or 0.0)
        return self.signals[source]

    def _inputs(self, name: str) -> dict[str, Any]:
        return {port: self.input(name, port) for port in self.graph.components[name].inputs}

    # --- states ------------------------------------------------------------------------------------------------------

    def _found_group(self, names: Sequence[str]) -> None:
        """Make the group of these components and the signals of its states, before anything is wired to it."""
        spaces = [self._space(name) for name in names]
        sizes = [len(s.a) for s in spaces]
        total = sum(sizes)
        a = np.zeros((total, total), dtype=np.result_type(*(s.a for s in spaces)))
        b = np.zeros((total, sum(s.b.shape[1] for s in spaces)))
        row = column = 0
        for space, n in zip(spaces, sizes, strict=True):
            a[row : row + n, row : row + n] = space.a
            b[row : row + n, column : column + space.b.shape[1]] = space.b
            row, column = row + n, column + space.b.shape[1]
        group = StateGroup(" + ".join(names), a, b, np.concatenate([s.x0 for s in spaces]))
        self.groups.append(group)
        row = 0
        for name, space, n in zip(names, spaces, sizes, strict=True):
            self._spaces[name], self._states[name] = space, (group, slice(row, row + n))
            weights = np.zeros((len(space.c), total))
            weights[:, row : row + n] = space.c
            ports = list(self.graph.components[name].outputs)
            outputs = [group.output(w, f"{name}.{p}") for w, p in zip(weights, ports, strict=True)]
            self._state_outputs[name] = outputs
            if not self.graph.feeds_through(name):
                self.signals |= {f"{name}.{p}": s for p, s in zip(ports, outputs, strict=True)}
            row += n

    def _space(self, name: str) -> StateSpace:
        component = self.graph.components[name]
        inputs, outputs = len(component.inputs), len(component.outputs)
        if isinstance(component, NonlinearComponent):
            x0 = component.initial_state()
            n = len(x0)
            return StateSpace(
                component.linear_part(), np.zeros((n, 0)), np.eye(outputs, n), np.zeros((outputs, 0)), np.asarray(x0)
            )
        assert isinstance(component, LinearComponent)
        space = self.graph.state_space(name)
        n = len(space.a)
        expected = {"a": (n, n), "b": (n, inputs), "c": (outputs, n), "d": (outputs, inputs), "x0": (n,)}
        for matrix, shape in expected.items():
            found = np.shape(getattr(space, matrix))
            if found != shape:
                raise ComponentError(f"{name}.state_space(): {matrix} has shape {found}, its ports ask for {shape}")
        return space

    def _connect(self, group: StateGroup, names: Sequence[str]) -> None:
        inputs: list[Signal] = []
        for name in names:
            component = self.graph.components[name]
            if isinstance(component, LinearComponent):
                inputs += self._inputs(name).values()
            elif isinstance(component, NonlinearComponent):
                group.remainders.append(self._remainder(component, name))
        group.connect(inputs)

    def _remainder(self, component: NonlinearComponent, name: str) -> Remainder:
        linear = component.linear_part()
        inputs: dict[str, Signal] = self._inputs(name)

        def excess(states: Array, values: Sequence[Array]) -> Array:
            named = dict(zip(inputs, values, strict=True))
            return component.derivative(states, **named) - linear @ states

        if len(self._state_outputs[name]) != len(linear):
            raise ComponentError(f"{name}: the outputs of a nonlinear component are its states, one by one")
        return Remainder(
            self._states[name][1], tuple(self._state_outputs[name]), excess, linear, tuple(inputs.values())
        )

    # --- what lies between -------------------------------------------------------------------------------------------

    def _build(self, parts: Sequence[Part]) -> None:
        name = parts[0][0]
        first = self.graph.components[name]
        if isinstance(first, ImplicitComponent) and parts[0][1] is None:
            unknown = Unknown(f"{name}.{first.unknown}")
            self.signals[unknown.name] = unknown
            for part in parts[1:]:
                self._build_one(*part)
            residual = first.residual(**self._inputs(name))
            self.signals[unknown.name] = Implicit(unknown, residual, first.typical)
            parts = parts[1:]
        for part in parts:
            self._build_one(*part)

    def _build_one(self, name: str, early: frozenset[str] | None) -> None:
        """The outputs of a component, or those that are known `early`."""
        component = self.graph.components[name]
        if self.graph.is_silent(name):
            self.signals |= {f"{name}.{port}": Constant(0.0) for port in component.outputs}
            return
        if self.graph.is_dynamic(name):
            if self.graph.feeds_through(name):
                d = self._spaces[name].d
                inputs = list(self._inputs(name).values())
                for row, state, port in zip(d, self._state_outputs[name], component.outputs, strict=True):
                    through = [scale(float(g), u) for g, u in zip(row, inputs, strict=True) if g]
                    self.signals[f"{name}.{port}"] = add(state, *through)
            return
        made = component.signals(**(self._inputs(name) if early is None else self._early_inputs(name, early)))
        outputs = list(component.outputs)
        if isinstance(component, ImplicitComponent):
            outputs.remove(component.unknown)
        if set(made) != set(outputs):
            raise ComponentError(f"{name}.signals() returned {sorted(made)}, but its outputs are {sorted(outputs)}")
        wanted = [port for port in component.outputs if port not in component.depends] if early is None else early
        for port in wanted if early is not None else ():
            if unknown := [leaf for leaf in made[port].leaves if isinstance(leaf, _Open)]:
                alone = ", ".join(sorted(component.depends[port])) or "nothing"
                raise ComponentError(
                    f"{name}.{port} is declared to depend on {alone} alone, but follows {unknown[0]!r}"
                )
        self.signals |= {f"{name}.{port}": made[port] for port in wanted}

    def _early_inputs(self, name: str, early: frozenset[str]) -> dict[str, Any]:
        """What the early outputs depend on; in place of the rest what has no value."""
        component = self.graph.components[name]
        needed = self.order.inputs[name, early]
        return {
            port: self.input(name, port) if port in needed else _Open(f"{name}.{port}") for port in component.inputs
        }
