"""``kibble-twin fields``: a magnet's field from its geometry, by finite elements."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scenarios.cli.arguments import Json, check_picture
from scenarios.cli.exit_codes import UsageError
from scenarios.cli.terminal import show, show_json, show_table

if TYPE_CHECKING:
    from components.fields.geometry import Geometry

_LABELS = {
    "gap_field_T": ("gap field at its mean radius, z = 0", "T"),
    "bl_Tm": ("Bl of one winding", "T m"),
    "uniform_length_m": ("uniform length at the gap's mean radius", "m"),
    "uniform_length_at_coil_m": ("uniform length at the coil's mean radius", "m"),
    "current_effect_slope_per_m": ("current effect, slope at the positive weighing current", "1/m"),
    "k_H_per_m2": ("k of L = L0 - k z^2", "H/m^2"),
    "l0_H": ("L0", "H"),
    "magnetic_height_m": ("magnetic height", "m"),
    "temperature_coefficient_per_K": ("temperature coefficient of the gap field", "1/K"),
    "skin_depth_1Hz_m": ("skin depth of the yoke at 1 Hz, by its initial permeability", "m"),
}
_HEAT = {
    "swing_K": "temperature of the magnets, peak to peak",
    "lag_s": "its delay behind the power",
    "difference_K": "its mean while resting less that while heating",
    "coil_swing_K": "temperature of the coil, peak to peak",
    "mean_K": "mean temperature rise of the magnets",
}
_EXTERNAL = {
    "slope_T_per_m": ("slope of the gap field", "T/m"),
    "mean_T": ("its mean around the gap", "T"),
    "peak_T": ("its largest field around the gap", "T"),
    "attenuation": ("attenuated by", ""),
    "shielding": ("field without the yoke over that in the gap", ""),
    "gamma": ("γ, over its surface field", ""),
    "limit_T": ("surface field for an error of 1e-8", "T"),
}
_WEIGHT = {"z": "m", "mass": "kg", "density": "kg/m^3", "chi": "1", "magnetisation": "A/m", "ambient": "T"}
_ON_WEIGHT = {
    "field_T": ("field there, upward", "T"),
    "gradient_T_per_m": ("its slope", "T/m"),
    "force_N": ("force, upward", "N"),
    "weighs_kg": ("it weighs more by", "kg"),
}
_PERIOD = 7200.0  # s, Liu2025: TMTP
_PART = {"r": "m", "z": "m", "area": "m^2", "chi": "1", "width": "m"}


Magnet = Annotated[
    str,
    typer.Argument(
        metavar="NAME|FILE",
        help="kbmini, bipm, nist4, tsinghua or small_magnet, or a YAML file of a geometry.",
        show_default=False,
    ),
]

Plot = Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the magnet and its field: png, svg.")]

Tolerance = Annotated[float, typer.Option(help="|ΔB/B| that a uniform field may show.")]

Part = Annotated[
    str | None,
    typer.Option(
        metavar="r=,z=,area=,chi=[,width=]",
        help="A weakly magnetic ring that moves with the coil (m, m²); a square section unless a width is given.",
    ),
]

External = Annotated[
    str | None,
    typer.Option(
        metavar="KIND=[,r=,...]",
        help="An external source: far_vertical=48e-6 or far_horizontal=28e-6, uniform (T; downward); "
        "near_vertical=-0.14,r=0 or near_horizontal=, Ma2025's disc magnet at a height and radius (m), with "
        "attenuation= there or shielding= where it is known, and gap_field= (T) that its limit is for.",
    ),
]

Weight = Annotated[
    str | None,
    typer.Option(
        metavar="z=[,chi=,...]",
        help="A weight on the axis, z (m) above the symmetry plane: with its chi=, magnetisation= (A/m), mass= "
        "(1 kg), density= (8000 kg/m³), and ambient= (T, upward) beside the magnet's field.",
    ),
]

Scale = Annotated[float, typer.Option(help="Multiply every length by this.")]

Influence = Annotated[bool, typer.Option("--influence", help="Also what each inferred dimension does to the figures.")]


def fields(
    source: Magnet,
    as_json: Json = False,
    plot: Plot = None,
    tolerance: Tolerance = 1e-3,
    part: Part = None,
    external: External = None,
    weight: Weight = None,
    scale: Scale = 1.0,
    influence: Influence = False,
) -> None:
    """Compute a magnet's field from its geometry.

    Field, Bl, inductance and their uniformity, from axisymmetric finite elements; solved once, then kept on disk.
    """
    if not 0 < tolerance < 1:
        raise UsageError(f"--tolerance: expected a number between 0 and 1, not {tolerance:g}")
    weak = None if part is None else _pairs("--part", part, _PART, required=("r", "z", "area", "chi"))
    field = None if external is None else _source(external)
    load = None if weight is None else _pairs("--weight", weight, _WEIGHT, required=("z",))
    if plot is not None:
        check_picture(plot)
    geometry = _geometry(source)
    try:
        geometry = geometry.scaled(scale)
    except ValueError as error:
        raise UsageError(f"--scale: {error}") from error
    found = _figures(geometry, tolerance, weak, field)
    if load is not None:
        found["weight"] = _on_weight(geometry, load)
    if influence:
        from components.fields.catalogue import CATALOGUE
        from components.fields.heat_influence import heat_influence
        from components.fields.influence import influence as influences
        from components.fields.named import named_geometry

        found["influence"] = influences(geometry, tolerance)
        of_heat = named_geometry(source, purpose="heat").scaled(scale) if source in CATALOGUE else geometry
        found["heat_influence"] = heat_influence(of_heat, _PERIOD)
    if plot is not None:
        from components.fields.picture import draw

        draw(geometry, plot)
    if as_json:
        show_json(found)
    else:
        _show(geometry, found)


def _figures(
    geometry: Geometry, tolerance: float, weak: Mapping[str, float] | None, field: Mapping[str, float] | None
) -> dict[str, Any]:
    """Everything that is printed, by its JSON keys."""
    from components.fields.materials import skin_depth
    from components.fields.profile import profile

    checked = None if weak is None else _weak_part(geometry, weak)
    found: dict[str, Any] = dict(profile(geometry).summary(tolerance))
    found["skin_depth_1Hz_m"] = skin_depth(geometry.material(geometry.yoke_material), 1.0)
    if checked is not None:
        from components.fields.weakly_magnetic import effect

        change = effect(geometry, checked)
        found["part"] = {
            "force_relative": change.force_relative,
            "velocity_relative": change.velocity_relative,
            "difference_relative": change.force_relative / change.velocity_relative - 1.0,
            "field_in_coil_relative": change.lorentz_relative,
            "field_beside_relative": change.beside_relative,
            "beside_over_fall": -change.beside_relative / change.lorentz_relative,
        }
    if field is not None:
        from scenarios.studies.external import external

        try:
            found["external"] = external(geometry, field, found["gap_field_T"])
        except ValueError as error:
            raise UsageError(f"--external: {_first(error)}") from error
    return found


def _on_weight(geometry: Geometry, given: Mapping[str, float]) -> dict[str, float]:
    """What the field above the magnet does to a weight (Seifert2014)."""
    from components.fields.profile import profile
    from components.gravity import STANDARD_GRAVITY
    from twin.errors import SimulationError

    found, z, ambient = profile(geometry), given["z"], given.get("ambient", 0.0)
    mass, density = given.get("mass", 1.0), given.get("density", 8000.0)
    if not (mass > 0 and density > 0):
        raise UsageError(f"--weight: expected mass and density greater than 0, not {mass:g} and {density:g}")
    magnetic = given.get("chi", 0.0), given.get("magnetisation", 0.0), ambient
    try:
        force = found.force_on_mass(z, mass / density, *magnetic)
    except SimulationError as error:
        raise UsageError(f"--weight: {error}") from error
    field, slope = float(found.stray_field(z)) + ambient, float(found.stray_field(z, 1))
    return {"field_T": field, "gradient_T_per_m": slope, "force_N": force, "weighs_kg": -force / STANDARD_GRAVITY}


def _source(text: str) -> dict[str, float]:
    """The source of ``--external``: one kind, and what goes with it.

    Raises
    ------
    UsageError
        If it is none, or several, or what goes with a near one is said of a far one.
    """
    from scenarios.studies.external import BESIDE, KINDS

    found = _pairs("--external", text, KINDS | BESIDE, required=())
    kinds = [key for key in found if key in KINDS]
    if len(kinds) != 1:
        raise UsageError(f"--external: expected one of {', '.join(f'{key}=' for key in KINDS)}, not {text!r}")
    beside = [key for key in found if key in BESIDE]
    if kinds[0].startswith("far") and beside:
        raise UsageError(f"--external: {beside[0]}= goes with a near source, not with {kinds[0]}=")
    return found


def _weak_part(geometry: Geometry, values: Mapping[str, float]) -> Any:
    """The part of ``--part``, checked against the magnet before anything is solved."""
    from components.fields.weakly_magnetic import WeakPart, check

    try:
        found = WeakPart(values["r"], values["z"], values["area"], values["chi"], values.get("width"))
        check(geometry, (found.section,))
    except ValueError as error:
        raise UsageError(f"--part: {_first(error)}") from error
    return found


def _first(error: ValueError) -> str:
    """The sentence of a ValueError, of pydantic's the first."""
    from pydantic import ValidationError

    if isinstance(error, ValidationError):
        return str(error.errors(include_url=False)[0]["msg"]).removeprefix("Value error, ")
    return str(error)


def _pairs(option: str, text: str, units: Mapping[str, str], required: tuple[str, ...]) -> dict[str, float]:
    """The numbers of ``key=value,key=value``; a value may have a unit.

    Raises
    ------
    UsageError
        For an unknown, doubled or missing key, or a value that is no finite quantity of its unit.
    """
    import math

    from twin.parameter import to_si

    found: dict[str, float] = {}
    for item in text.split(","):
        key, equals, value = (word.strip() for word in item.partition("="))
        if not equals or key not in units:
            raise UsageError(f"{option}: expected {', '.join(f'{k}=' for k in units)}, not {item.strip()!r}")
        if key in found:
            raise UsageError(f"{option}: {key} is given twice")
        try:
            found[key] = to_si(value, units[key])
        except ValueError as error:
            raise UsageError(f"{option}: {key}: {error}") from error
        if not math.isfinite(found[key]):
            raise UsageError(f"{option}: {key}: expected a finite number, not {value!r}")
    for key in required:
        if key not in found:
            raise UsageError(f"{option}: {key}= is missing; expected {', '.join(f'{k}=' for k in required)}")
    return found


def _geometry(source: str) -> Geometry:
    """The geometry of a name or a file.

    Raises
    ------
    UsageError
        If there is neither a magnet nor a file of this name.
    ScenarioError
        If the file is not valid: file, line, key and what was expected.
    """
    from components.fields.catalogue import CATALOGUE
    from twin.plugins import did_you_mean

    if source in CATALOGUE:
        return CATALOGUE[source]
    path = Path(source)
    if not path.exists():
        near = did_you_mean(source, list(CATALOGUE))
        raise UsageError(f"{source!r} is neither a file nor a magnet ({', '.join(CATALOGUE)}){near}")
    return _from_file(path)


def _from_file(path: Path) -> Geometry:
    """The geometry of a YAML file; ``extends:`` a magnet of the catalogue, if it says so."""
    from components.fields.catalogue import CATALOGUE
    from components.fields.geometry import Geometry
    from scenarios.schema.document import read
    from scenarios.schema.errors import Problem, fail
    from scenarios.schema.validate import validated

    document = read(path)
    tree = dict(document.tree)
    problems: list[Problem] = []
    if (base := tree.pop("extends", None)) is not None:
        if not isinstance(base, str) or base not in CATALOGUE:
            raise fail([Problem(("extends",), f"expected one of {', '.join(CATALOGUE)}")], document.positions)
        below = CATALOGUE[base].model_dump(exclude_unset=True)
        given = [".".join(map(str, key)) for key in document.positions if key]
        below["inferred"] = [name for name in below["inferred"] if not _among(name, given, tree)]
        tree = _laid_over(below, tree)
    geometry = validated(Geometry, tree, (), problems)
    if geometry is None:
        raise fail(problems, document.positions)
    return geometry


def _among(name: str, given: list[str], tree: Mapping[str, Any]) -> bool:
    """Whether the file gives a dimension, itself or in a list; ``coil`` is a mapping and gives only what is in it."""
    return name in given or (name.split(".")[0] in given and not isinstance(tree[name.split(".")[0]], Mapping))


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Two trees, the values of `above` where both have one."""
    found = {**below, **above}
    for key, value in above.items():
        if isinstance(value, Mapping) and isinstance(below.get(key), Mapping):
            found[key] = _laid_over(below[key], value)
    return found


def _show(geometry: Geometry, found: Mapping[str, Any]) -> None:
    """The figures as a table for people."""
    rows = [(label, f"{found[key]:.6g}", unit) for key, (label, unit) in _LABELS.items()]
    if "part" in found:
        rows.append(("part: relative change of the force", f"{found['part']['force_relative']:.4g}", ""))
        rows.append(("part: relative change of the voltage", f"{found['part']['velocity_relative']:.4g}", ""))
        rows.append(("part: of the magnet's field in the coil", f"{found['part']['field_in_coil_relative']:.4g}", ""))
        rows.append(("part: of that field beside the part", f"{found['part']['field_beside_relative']:.4g}", ""))
    if "external" in found:
        rows += [
            (f"external source: {label}", f"{found['external'][key]:.4g}", unit)
            for key, (label, unit) in _EXTERNAL.items()
            if found["external"].get(key) is not None
        ]
    for key, (label, unit) in _ON_WEIGHT.items() if "weight" in found else ():
        rows.append((f"weight: {label}", f"{found['weight'][key]:.4g}", unit))
    show_table((geometry.name, "", ""), rows, right=(1,))
    if geometry.inferred:
        show("", f"inferred, not printed by the paper: {', '.join(sorted(geometry.inferred))}")
    if "influence" in found:
        show("", "relative change of each figure for a relative change of an inferred dimension:")
        _show_influence({key: label for key, (label, _) in _LABELS.items()}, found["influence"])
        show("", f"the same of heat, half of every {_PERIOD:g} s heated, at 10 W/(m^2 K):")
        _show_influence(_HEAT, found["heat_influence"])


def _show_influence(labels: Mapping[str, str], table: Mapping[str, Mapping[str, float]]) -> None:
    """A row a figure, a column a dimension."""
    body = [
        (label, *(f"{row[key]:+.3f}" for row in table.values()))
        for key, label in labels.items()
        if all(key in row for row in table.values())
    ]
    show_table(("", *table), body, right=range(1, 1 + len(table)))
