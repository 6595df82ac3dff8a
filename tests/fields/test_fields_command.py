"""``kibble-twin fields``: its figures, its keys, and one clear line for what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.fields import around, cache, external
from components.fields import influence as influences
from components.fields import profile as profiles
from components.fields.catalogue import CATALOGUE, KBMINI
from components.fields.magnetostatics import Mesh
from components.fields.materials import skin_depth
from scenarios.cli.app import main

KEYS = [
    "gap_field_T",
    "bl_Tm",
    "uniform_length_m",
    "uniform_length_at_coil_m",
    "current_effect_slope_per_m",
    "k_H_per_m2",
    "l0_H",
    "magnetic_height_m",
    "temperature_coefficient_per_K",
    "skin_depth_1Hz_m",
]
COARSE = Mesh(order=2, corner=0.03, edge=0.4, gap=0.25, growth=0.8)
COARSE_ROOM = Mesh(order=2, corner=0.03, edge=0.4, gap=0.25, growth=0.8, boundary=12.0)
FILE = """\
extends: kbmini
name: mine
ring_height: 21 mm
height: 13.7 cm
coil:
  turns: 100
"""

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``kibble-twin fields``, on a coarse mesh: exit code, output, errors."""
    solve = profiles.profile
    monkeypatch.setattr(
        profiles, "profile", lambda geometry, mesh=None, **more: solve(geometry, mesh or COARSE, **more)
    )

    def command(*words: str) -> tuple[int, str, str]:
        code = main(["fields", *words])
        out, err = capsys.readouterr()
        return code, out, err

    return command


def figures(run: Run, *words: str) -> dict[str, Any]:
    code, out, err = run(*words, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


@pytest.mark.parametrize("name", ["kbmini", "bipm", "nist4", "tsinghua", "small_magnet"])
def test_every_magnet_has_every_figure(run: Run, name: str) -> None:
    found = figures(run, name)
    assert list(found) == KEYS
    geometry = CATALOGUE[name]
    assert found.pop("skin_depth_1Hz_m") == skin_depth(geometry.material(geometry.yoke_material), 1.0)
    assert found == profiles.profile(geometry).summary()


def test_for_people_the_same_figures_and_what_was_inferred(run: Run) -> None:
    code, out, _ = run("kbmini")
    assert code == 0
    assert f"{figures(run, 'kbmini')['bl_Tm']:.6g}" in out
    assert "T m" in out
    assert "inferred, not printed by the paper: bore, chamber_radius, coil.fill, coil.radial_width" in out


def test_scale_and_tolerance(run: Run) -> None:
    whole, half = figures(run, "kbmini"), figures(run, "kbmini", "--scale", "0.5")
    assert half["gap_field_T"] == pytest.approx(whole["gap_field_T"], rel=1e-6)
    assert half["bl_Tm"] == pytest.approx(whole["bl_Tm"] / 2, rel=1e-6)
    strict = figures(run, "kbmini", "--tolerance", "1e-4")
    assert strict["uniform_length_m"] < whole["uniform_length_m"]
    assert strict["bl_Tm"] == whole["bl_Tm"]


def test_a_part(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.fields.weakly_magnetic._MESH", COARSE)
    found = figures(run, "bipm", "--part", "r=125 mm, z=0, area=200e-6, chi=-1e-5, width=0.01")
    assert list(found) == [*KEYS, "part"]
    part = found["part"]
    assert list(part) == [
        "force_relative", "velocity_relative", "difference_relative", "field_in_coil_relative", "field_beside_relative",
        "beside_over_fall",
    ]  # fmt: skip
    assert part["force_relative"] == pytest.approx(9.5e-7, rel=0.05)
    assert part["beside_over_fall"] == -part["field_beside_relative"] / part["field_in_coil_relative"]


def test_a_weight_above_the_magnet(run: Run) -> None:
    """As in the scheme of Seifert2014: ``χ V/(2µ0) ∂B²/∂z + M V ∂B/∂z``, and what is pulled down weighs more."""
    found = figures(run, "kbmini", "--weight", "z=170 mm,chi=0.02,mass=500 g")["weight"]
    volume, chi = 0.5 / 8000.0, 0.02
    pull = chi * volume / (4e-7 * 3.14159265) * found["field_T"] * found["gradient_T_per_m"]
    assert found["force_N"] == pytest.approx(pull, rel=1e-6) and found["force_N"] < 0
    assert found["weighs_kg"] == pytest.approx(-found["force_N"] / 9.80665)
    ambient = figures(run, "kbmini", "--weight", "z=0.17,magnetisation=2,ambient=-45 uT")["weight"]
    assert ambient["field_T"] == pytest.approx(found["field_T"] - 45e-6)
    assert ambient["force_N"] == pytest.approx(2.0 / 8000.0 * ambient["gradient_T_per_m"])
    for wrong, message in (("z=0", "expected heights from"), ("chi=1", "z= is missing"), ("z=0.17,mass=0", "greater")):
        code, _, error = run("kbmini", "--weight", wrong)
        assert code == 2 and message in error


def test_an_external_field(run: Run) -> None:
    found = figures(run, "tsinghua", "--external", "far_vertical=48 uT")
    assert list(found) == [*KEYS, "external"]
    assert found["external"] == {"slope_T_per_m": pytest.approx(4.03e-6, rel=0.01)}


def test_a_horizontal_field_is_attenuated_and_has_no_mean(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ma2025: at least 170 times, by a yoke of µ_r = 10 000; a tenth of it with a tenth of that."""
    coupling = around.horizontal_coupling
    monkeypatch.setattr(around, "horizontal_coupling", lambda geometry: coupling(geometry, COARSE_ROOM))
    found = figures(run, "tsinghua", "--external", "far_horizontal=28 uT")["external"]
    assert abs(found["mean_T"]) < 1e-15
    assert found["attenuation"] == pytest.approx(204, rel=0.05)
    assert found["peak_T"] == pytest.approx(28e-6 / found["attenuation"])
    initial = coupling(external.permeability_changed(CATALOGUE["tsinghua"], 1000.0), COARSE_ROOM)
    assert initial * found["attenuation"] == pytest.approx(10, rel=0.25)


def test_a_near_source_of_a_known_attenuation(run: Run) -> None:
    """Its limit is B/γ · 1e-8, and what acts is the mean: none, if it is horizontal on the axis."""
    beside = "attenuation=2e-6,gap_field=0.5"
    found = figures(run, "tsinghua", "--external", f"near_horizontal=-0.14,r=0,{beside}")["external"]
    assert found["gamma"] == pytest.approx(2e-6) and found["limit_T"] == pytest.approx(0.25e-8 / 1e-6)
    assert abs(found["mean_T"]) < 1e-18
    above, below = (
        figures(run, "tsinghua", "--external", f"near_vertical={z},r=0.16,{beside}")["external"] for z in (0.09, -0.09)
    )
    assert above["mean_T"] == pytest.approx(-below["mean_T"]) and below["mean_T"] > 1e-8
    own = figures(run, "tsinghua", "--external", "near_vertical=-0.14,attenuation=2e-6")
    assert own["external"]["limit_T"] == pytest.approx(own["gap_field_T"] / 2e-6 * 1e-8)


def test_what_shields_from_a_source_does_so_from_further_away(run: Run) -> None:
    """γ_max at one distance tells the shielding; with that, γ at others goes as the field without the yoke."""
    at = "near_vertical={},r=0,{}=".format
    known = figures(run, "tsinghua", "--external", f"{at(-0.14, 'attenuation')}5.83e-6")["external"]
    again = figures(run, "tsinghua", "--external", f"{at(-0.14, 'shielding')}{known['shielding']!r}")["external"]
    assert again == pytest.approx(known) and known["peak_T"] == pytest.approx(5.83e-6 * 0.336)
    further = figures(run, "tsinghua", "--external", f"{at(-0.24, 'shielding')}{known['shielding']!r}")["external"]
    free = [0.085 * z / (0.085**2 + z**2) ** 2.5 for z in (0.14, 0.24)]  # of a vertical dipole on the axis
    assert further["gamma"] / known["gamma"] == pytest.approx(free[1] / free[0], rel=1e-6)
    assert further["limit_T"] * further["gamma"] == pytest.approx(known["limit_T"] * known["gamma"])


def test_a_near_source_by_finite_elements(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    near = external.near_source
    monkeypatch.setattr(external, "near_source", lambda geometry, source: near(geometry, source, COARSE_ROOM))
    found, further = (
        figures(run, "tsinghua", "--external", f"near_vertical={z}")["external"] for z in ("-140 mm", "-190 mm")
    )
    assert found["mean_T"] == pytest.approx(-2.0e-7, rel=0.1)
    assert 0.02 < further["gamma"] / found["gamma"] < 0.5
    assert found["limit_T"] * found["gamma"] == pytest.approx(further["limit_T"] * further["gamma"])
    assert figures(run, "tsinghua", "--external", "near_horizontal=-0.14")["external"]["limit_T"] is None


def test_the_second_time_nothing_is_solved(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither for a part of another susceptibility nor for another external field; nor for a picture."""
    monkeypatch.setenv("KIBBLE_TWIN_CACHE", str(tmp_path))
    monkeypatch.setattr("components.fields.weakly_magnetic._MESH", COARSE)
    slope = external.far_vertical_slope
    monkeypatch.setattr(external, "far_vertical_slope", lambda geometry, field: slope(geometry, field, COARSE))
    ring = "r=125 mm, z=0, area=200e-6, width=0.01, chi="
    words = ["bipm", "--part", f"{ring}-1e-5", "--external", "far_vertical=48e-6"]
    words += ["--plot", str(tmp_path / "magnet.png")]
    first = figures(run, *words)
    for module in ("profile_solution", "weakly_magnetic", "external", "picture"):
        monkeypatch.setattr(f"components.fields.{module}.magnet_model", None)
    for _ in range(2):
        assert figures(run, *words) == first
        cache.forget()  # as in another process
    other = figures(run, "bipm", "--part", f"{ring}2e-5", "--external", "far_vertical=-1e-6")
    assert other["part"]["force_relative"] == pytest.approx(-2 * first["part"]["force_relative"])
    assert other["external"]["slope_T_per_m"] == pytest.approx(first["external"]["slope_T_per_m"] / -48)


def test_the_influence_of_what_was_inferred(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(influences, "_MESH", COARSE)
    whole = figures(run, "kbmini", "--influence")
    found, heat = whole["influence"], whole["heat_influence"]
    assert set(heat) == {"bore", "chamber_radius", "coil.fill", "coil.radial_width"}
    assert heat["coil.fill"]["coil_swing_K"] < -0.1  # more copper warms less
    assert set(found) == {"bore", "chamber_radius", "coil.radial_width", "yoke.permeability"}
    assert set(found["bore"]) == set(KEYS) - {"skin_depth_1Hz_m"}  # of no dimension
    assert "relative change of each figure" in run("kbmini", "--influence")[1]


def test_a_picture(run: Run, tmp_path: Path) -> None:
    assert run("kbmini", "--plot", str(tmp_path / "magnet.png"))[0] == 0
    assert (tmp_path / "magnet.png").stat().st_size > 10_000


def test_a_file(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(FILE)
    expected = KBMINI.with_dimensions({"ring_height": 0.021, "height": 0.137, "coil.turns": 100})
    found = figures(run, str(path))
    assert found.pop("skin_depth_1Hz_m") == skin_depth(expected.material(expected.yoke_material), 1.0)
    assert found == pytest.approx(profiles.profile(expected).summary(), rel=1e-9)
    assert "inferred, not printed by the paper: bore, chamber_radius, coil.fill" in run(str(path))[1]


def test_a_whole_file_needs_no_magnet_to_extend(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "whole.yaml"
    path.write_text(
        "outer_radius: 75 mm\nheight: 135 mm\nbore: 10 mm\ngap: [49 mm, 60 mm]\ngap_height: 40 mm\n"
        "ring: [10 mm, 45 mm]\nring_height: 20 mm\nring_material: NdFeB\n"
        "compensation_width: 0.3 mm\ncompensation_height: 4 mm\n"
        "coil: {mean_radius: 55.25 mm, radial_width: 6.7 mm, height: 30 mm, turns: 7000}\n"
    )
    assert figures(run, str(path)) == pytest.approx(figures(run, "kbmini"), rel=1e-9)


WRONG = [
    ("turns: 100", "turns: 0", ":6: coil.turns: must be greater than or equal to 1 (got 0)"),
    ("ring_height: 21 mm", "ring_height: 21 kg", ":3: ring_height: expected a quantity in m, not '21 kg'"),
    (
        "ring_height: 21 mm",
        "ring_hight: 21 mm",
        ":3: ring_hight: unknown key 'ring_hight'; did you mean 'ring_height'?",
    ),
    ("turns: 100", "height: 90 mm", "the coil is outside the gap"),
    ("ring_height: 21 mm", "ring: [10 mm, 62 mm]", "parts 'outer yoke' and 'upper ring' overlap"),
    ("extends: kbmini", "extends: kbmaxi", ":1: extends: expected one of kbmini, bipm"),
    ("name: mine", "yoke_material: cheese", "unknown material 'cheese'; known: "),
    (
        "name: mine",
        "materials: {iron: {name: iron, conductivity: 50, density: 7870, heat_capacity: 450, permeability: 0}}",
        ":2: materials.iron.permeability: must be greater than 0 (got 0)",
    ),
    ("name: mine", "name: [", "not valid YAML"),
]


@pytest.mark.parametrize(("right", "wrong", "message"), WRONG)
def test_a_wrong_file_is_one_line_and_solves_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, right: str, wrong: str, message: str
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(FILE.replace(right, wrong))
    monkeypatch.setattr(profiles, "profile", None)
    code, out, err = run(str(path))
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["kbmin"], "'kbmin' is neither a file nor a magnet (kbmini, bipm"),
        (["kbmini", "--scale", "0"], "--scale: scale p: expected a number greater than 0, not 0"),
        (["kbmini", "--scale", "nan"], "--scale: scale p: expected a number greater than 0, not nan"),
        (["kbmini", "--tolerance", "0"], "--tolerance: expected a number between 0 and 1"),
        (["kbmini", "--plot", "x.foo"], "--plot: x.foo: expected a picture format"),
        (["kbmini", "--part", "r=0.05,z=0,area=1e-6"], "--part: chi= is missing"),
        (["kbmini", "--part", "r=0.05,z=0,area=1e-6,chi=1,r=2"], "--part: r is given twice"),
        (["kbmini", "--part", "r=0.05,z=0,area=1e-6,mu=1"], "--part: expected r=, z=, area=, chi=, width=, not 'mu=1'"),
        (["kbmini", "--part", "r=5 kg,z=0,area=1e-6,chi=1"], "--part: r: expected a quantity in m, not '5 kg'"),
        (["kbmini", "--part", "r=0.05,z=0,area=1e-6,chi=5"], "at most 0.1"),
        (["kbmini", "--part", "r=0.03,z=0,area=1e-6,chi=1e-5"], "overlaps 'inner yoke'; it must be in the air"),
        (["kbmini", "--part", "r=0.05,z=1e999,area=1e-6,chi=1e-5"], "--part: z: expected a finite number"),
        (["kbmini", "--external", "near=1"], "--external: expected far_vertical=, far_horizontal=, near_vertical=, "),
        (["kbmini", "--external", "r=1"], "--external: expected one of far_vertical=, far_horizontal=, near_vertical="),
        (["kbmini", "--external", "far_vertical=1,far_horizontal=1"], "--external: expected one of far_vertical="),
        (["kbmini", "--external", "far_vertical=1,r=1"], "--external: r= goes with a near source, not with far_vert"),
        (["kbmini", "--external", "far_vertical=1 m"], "--external: far_vertical: expected a quantity in T"),
    ],
)
def test_wrong_arguments_are_one_line_and_solve_nothing(
    run: Run, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    monkeypatch.setattr(profiles, "profile", None)
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
