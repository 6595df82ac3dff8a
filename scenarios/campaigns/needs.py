"""Parts that a scheme needs and not every balance has: where they come from, and what is made of those there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from components.coil import Coil
from scenarios.schema.needs import Need
from twin.errors import TwinError

Tree = Mapping[str, Any]

MUTUAL = {
    "mutual_inductance": "inductance",
    "mutual_curvature": "inductance_curvature",
    "mutual_quadratic_coefficient": "quadratic_current_coefficient",
}
"""Of windings in the same iron: M is L, and bends as it does."""


def second_winding(balance: Tree) -> tuple[Tree, str]:
    """A winding like the first, closely coupled to it, and the circuit of the winding that is sensed like the other.

    With ``second_winding: bifilar`` the copper of the coil is in two wires: each has half the cross-section and twice
    the resistance. What the balance states of its second coil holds; if that is its resistance, the first keeps its
    own. Errors that are stated of the first winding are not those of the second.

    Parameters
    ----------
    balance : as it is stated, with quantities as numbers or text.
    """
    first, stated = dict(balance.get("coil") or {}), dict(balance.get("second_coil") or {})
    try:
        coil = Coil.model_validate({key: value for key, value in first.items() if key != "type"})
    except (ValidationError, TwinError):
        return {}, ""  # what is wrong with it is said elsewhere
    bifilar = balance.get("second_winding") == "bifilar" and "resistance" not in stated
    resistance = (2.0 if bifilar else 1.0) * coil.resistance
    mutual = {key: getattr(coil, own) for key, own in MUTUAL.items() if key not in first}
    copied = {key: value for key, value in first.items() if key != "uncertainties"}
    values = {
        "coil": {**mutual, **({"resistance": resistance} if bifilar else {})},
        "second_coil": {"type": "coil", **copied, **mutual, "resistance": resistance, **stated},
        "sensing_circuit": {**dict(balance.get("circuit") or {}), "type": "circuit"},
    }
    how = "from half the copper of the first, both with twice its resistance" if bifilar else "like the first"
    given = f", but for the {', '.join(stated)} that is stated" if stated else ""
    return values, f"a second winding is added, {how}{given}, and a switch box; see balances/two_windings"


def _as_it_is(text: str) -> Any:
    """What a file brings needs nothing made of the balance."""
    return lambda balance: ({}, text)


def _hinge_alone(balance: Tree) -> bool:
    """Whether the flexure is a hinge to which no wire of the coil that it moves is drawn."""
    flexure, wiring = balance.get("flexure"), balance.get("wiring") or {}
    hinge = isinstance(flexure, dict) and flexure.get("type") == "hinge"
    return hinge and not any(str(port).startswith("flexure.coil_") for port in wiring)


def _back_action(balance: Tree) -> tuple[Tree, str]:
    """Nothing but wires; where no oscillator is stated, that its values are those of another balance is said."""
    whose = "" if "oscillator" in balance["flexure"] else "; none is stated of its oscillator, which is KBmini's"
    return {}, f"the coil's own current acts back on the hinge; see balances/driven_hinge{whose}"


SECOND_WINDING = Need("switch_box", "balances/two_windings", second_winding)
COMPENSATION = Need(
    "compensating_source",
    "balances/power_regulation",
    _as_it_is("a compensating source and a stop of the flexure are added; see balances/power_regulation"),
)
MOTION_STAGE = Need(
    "motion_stage",
    "balances/magnet_moving",
    _as_it_is("a stage that moves the magnet is added; see balances/magnet_moving"),
)
BACK_ACTION = Need("flexure", "balances/driven_hinge", _back_action, lacking=_hinge_alone)
