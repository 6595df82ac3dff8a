"""Wrong scenario files: each gives one line with file, line and key, and loads when it is put right."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scenarios.schema import ScenarioError, load
from tests.scenarios.schema_parts import MODELS, TEXT, installed, small


@pytest.fixture(scope="module", autouse=True)
def _parts() -> Iterator[None]:
    with installed():
        yield


BOMB = "description: &a [x, x]\n" + "".join(
    f"{c}: &{c} [*{b}, *{b}]\n" for b, c in zip("abcdefg", "bcdefgh", strict=True)
)
DEEP = "description: " + "[" * 10_000

# what is wrong, the right text, the wrong text in its place, line, key, part of the message
WRONG = [
    ("misspelt", "resistance: 250", "resistence: 250", 14, "balance.coil.resistence", "did you mean 'resistance'?"),
    (
        "missing",
        "    resistance: 250 ohm\n",
        "",
        13,
        "balance.coil.resistance",
        "missing key 'resistance'; expected a number in ohm",
    ),
    ("wrong unit", "250 ohm", "3 kg", 14, "balance.coil.resistance", "expected a quantity in ohm, not '3 kg'"),
    ("no unit", "250 ohm", "250 quux", 14, "balance.coil.resistance", "'quux' is not a unit"),
    ("odd unit", "250 ohm", "250 'ohm'^0]h", 14, "balance.coil.resistance", "is not a unit known here"),
    ("not a number", "250 ohm", "much", 14, "balance.coil.resistance", "not 'much'"),
    ("zero", "250 ohm", "0", 14, "balance.coil.resistance", "must be greater than 0 (got 0)"),
    (
        "negative mass",
        "resistance: 250 ohm",
        "resistance: 250 ohm\n    mass: -1 kg",
        15,
        "balance.coil.mass",
        "must be greater than 0 (got '-1 kg')",
    ),
    ("NaN", "250 ohm", ".nan", 14, "balance.coil.resistance", "expected a finite number, not .nan"),
    ("infinity", "250 ohm", "-.inf", 14, "balance.coil.resistance", "expected a finite number, not -.inf"),
    ("overflow", "250 ohm", "1e999", 14, "balance.coil.resistance", "expected a number below 1.8e308"),
    ("a list", "250 ohm", "[250]", 14, "balance.coil.resistance", "expected a number in ohm, not a list"),
    ("a boolean", "250 ohm", "true", 14, "balance.coil.resistance", "expected a number in ohm, not true"),
    ("null", "250 ohm", "~", 14, "balance.coil.resistance", "expected a number in ohm, not null"),
    (
        "value below",
        "{turns: 200, radius: 60 mm}",
        "{turns: 200, radius: 60 A}",
        16,
        "balance.coil.windings.0.radius",
        "expected a quantity in m, not '60 A'",
    ),
    (
        "unknown below",
        "- radius: 65 mm",
        "- radus: 65 mm",
        17,
        "balance.coil.windings.1.radus",
        "did you mean 'radius'?",
    ),
    (
        "text for a count",
        "turns: 200",
        "turns: '200'",
        16,
        "balance.coil.windings.0.turns",
        "expected a number, not '200'",
    ),
    (
        "boolean for a count",
        "turns: 200",
        "turns: true",
        16,
        "balance.coil.windings.0.turns",
        "expected a number, not true",
    ),
    (
        "half a turn",
        "turns: 200",
        "turns: 0.5",
        16,
        "balance.coil.windings.0.turns",
        "expected a whole number, not 0.5",
    ),
    (
        "yes is text",
        "resistance: 250 ohm",
        "resistance: 1\n    bifilar: yes",
        15,
        "balance.coil.bifilar",
        "expected true or false, not 'yes'",
    ),
    (
        "a choice",
        "flux_density: 0.4 T",
        "flux_density: 1\n    material: AlNiCo",
        11,
        "balance.magnet.material",
        "expected 'SmCo' or 'NdFeB', not 'AlNiCo'",
    ),
    (
        "a union",
        "gain: 3 ppm",
        "range: {}",
        21,
        "balance.meter.range",
        "expected a number in V or a list of numbers in V, not a mapping",
    ),
    ("text in a list", "[1, 0.01]", "[1, x]", 12, "balance.magnet.profile", "not 'x'"),
    ("mapping in a list", "[1, 0.01]", "[1, {}]", 12, "balance.magnet.profile.1", "expected a number, not a mapping"),
    (
        "too long a list",
        "[1, 0.01]",
        "[1, 2, 3, 4, 5]",
        12,
        "balance.magnet.profile",
        "expected at most 4 items (got 5)",
    ),
    ("too short a list", "[1, 0.01]", "[]", 12, "balance.magnet.profile", "expected at least 1 items (got 0)"),
    ("a number for a list", "[1, 0.01]", "1", 12, "balance.magnet.profile", "expected a list, not 1"),
    ("a number for a group", "{white: 1e-8}", "1e-8", 22, "balance.meter.noise", "expected a mapping, not 1e-08"),
    ("a number for a name", "name: small", "name: 12", 2, "name", "expected text, not 12"),
    ("an empty name", "name: Small", "name: ''", 5, "balance.name", "expected text of at least 1 characters"),
    ("a negative seed", "seed: 1", "seed: -1", 3, "seed", "must be greater than or equal to 0 (got -1)"),
    ("a fractional seed", "seed: 1", "seed: 1.5", 3, "seed", "expected a whole number, not 1.5"),
    ("a boolean seed", "seed: 1", "seed: true", 3, "seed", "expected a number, not true"),
    ("scale zero", "scale: 0.5\n", "scale: 0\n", 6, "balance.scale", "must be greater than 0 (got 0)"),
    ("unknown section", "reduction:", "redaction:", 30, "redaction", "did you mean 'reduction'?"),
    ("no balance", TEXT[TEXT.index("balance:") : TEXT.index("campaign:")], "", 1, "balance", "missing key 'balance'"),
    ("no campaign", "campaign:\n  type: tmtp\n  duration: 8 h\n", "", 1, "campaign", "missing key 'campaign'"),
    (
        "a list as section",
        "reduction:\n  order: 4",
        "reduction: [4]",
        30,
        "reduction",
        "expected a mapping, not a list",
    ),
    ("no type", "  type: tmtp\n", "", 27, "campaign.type", "missing key 'type'"),
    (
        "unknown campaign",
        "type: tmtp",
        "type: tmpt",
        28,
        "campaign.type",
        "unknown campaign 'tmpt'; did you mean 'tmtp'?",
    ),
    ("unknown in campaign", "duration: 8 h", "duraton: 8 h", 29, "campaign.duraton", "did you mean 'duration'?"),
    ("unknown in reduction", "order: 4", "ordre: 4", 31, "reduction.ordre", "did you mean 'order'?"),
    ("out of range", "order: 4", "order: 40", 31, "reduction.order", "must be less than or equal to 9 (got 40)"),
    ("unknown type", "type: voltmeter", "type: voltmetr", 20, "balance.meter.type", "did you mean 'voltmeter'?"),
    (
        "type is no text",
        "type: voltmeter",
        "type: 3",
        20,
        "balance.meter.type",
        "expected the type of a component, not 3",
    ),
    ("type from name", "  coil:\n", "  coyl:\n", 13, "balance.coyl", "unknown component 'coyl'; did you mean 'coil'?"),
    ("no component", "scale: 0.5\n", "scal: 0.5\n", 6, "balance.scal", "not 0.5; did you mean 'scale'?"),
    (
        "component name",
        "  source: {",
        "  my-source: {type: voltmeter}\n  source: {",
        18,
        "balance.my-source",
        "letters, digits",
    ),
    ("empty component", "source: {type: current_source}", "source:", 18, "balance.source", "write {} for a component"),
    (
        "wiring list",
        TEXT[TEXT.index("  wiring:") : TEXT.index("campaign:")],
        "  wiring: [a]\n",
        23,
        "balance.wiring",
        "not a list",
    ),
    (
        "input's component",
        "coil.field:",
        "coul.field:",
        24,
        "balance.wiring.coul.field",
        "no component 'coul'; did you mean 'coil'?",
    ),
    (
        "input's port",
        "coil.field:",
        "coil.feild:",
        24,
        "balance.wiring.coil.feild",
        "coil has no input 'feild'; did you mean 'field'?",
    ),
    (
        "output's port",
        "magnet.field\n",
        "magnet.flux\n",
        24,
        "balance.wiring.coil.field",
        "magnet has no output 'flux'",
    ),
    (
        "wrong way round",
        "meter.voltage: coil.voltage",
        "coil.voltage: meter.voltage",
        26,
        "balance.wiring.coil.voltage",
        "coil.voltage is no input",
    ),
    ("no port", "magnet.field\n", "magnet\n", 24, "balance.wiring.coil.field", "written component.port, not 'magnet'"),
    ("port is a number", "magnet.field\n", "3\n", 24, "balance.wiring.coil.field", "written component.port, not 3"),
    (
        "wired twice",
        "    coil.field: magnet.field\n",
        "    coil.field: magnet.field\n" * 2,
        25,
        "balance.wiring.coil.field",
        "duplicate key 'coil.field', first given in line 24",
    ),
    ("duplicate key", "seed: 1\n", "seed: 1\nseed: 2\n", 4, "seed", "duplicate key 'seed', first given in line 3"),
    ("number as key", "seed: 1\n", "seed: 1\n3: x\n", 4, "", "expected text as a key, not '3'; quote it"),
    ("list as key", "seed: 1\n", "seed: 1\n? [a]\n: x\n", 4, "", "expected a key, not a list or mapping"),
    ("null as key", "seed: 1\n", "seed: 1\n~: x\n", 4, "", "expected text as a key"),
    ("long key", "seed: 1\n", "seed: 1\n" + "k" * 200 + ": x\n", 4, "", "1 to 128 characters"),
    ("tab", "  scale: 0.5", "\tscale: 0.5", 6, "balance", "a tab cannot indent or separate here; use spaces"),
    ("open bracket", "[1, 0.01]", "[1, 0.01", 13, "balance.magnet.profile.2", "not valid YAML"),
    ("bad indent", "  scale: 0.5", "   scale: 0.5", 6, "balance", "not valid YAML"),
    ("YAML bomb", "seed: 1\n", BOMB, 3, "description", "anchors (&) and aliases (*) are not allowed"),
    ("alias", "name: small", "name: *small", 2, "name", "anchors (&) and aliases (*) are not allowed"),
    (
        "tag",
        "name: small",
        "name: !!python/object:os.system small",
        2,
        "name",
        "is not allowed; expected a plain value",
    ),
    ("deep", "seed: 1\n", DEEP, 3, "description." + ".".join(["0"] * 19), "nested deeper than 20 levels"),
    ("second document", "seed: 1\n", "---\nseed: 1\n", 3, "", "a second document starts here"),
    ("YAML 1.1", "schema: 1\n", "%YAML 1.1\n---\nschema: 1\n", 2, "", "expected YAML 1.2"),
    ("control character", "name: small", "name: sm\x07all", 2, "", "the control character '\\x07' is not allowed"),
    ("NUL", "name: small", "name: sm\0all", 2, "", "contains a NUL byte"),
    ("bad escape", "name: small", 'name: "\\U99999999"', 2, "name", "not valid YAML"),
    ("surrogate", "name: small", 'name: "\\ud800"', 2, "name", "an escape that is no character"),
    ("no schema", "schema: 1\n", "", 1, "schema", "missing key 'schema'; expected schema: 1"),
    ("newer schema", "schema: 1\n", "schema: 2\n", 1, "schema", "newer than this program"),
    ("schema is text", "schema: 1\n", "schema: one\n", 1, "schema", "expected schema: 1, not 'one'"),
    ("extends nothing", "seed: 1\n", "extends: nowhere\n", 3, "extends", "no file and no shipped scenario 'nowhere'"),
    ("extends a number", "seed: 1\n", "extends: 3\n", 3, "extends", "expected the name of a scenario file, not 3"),
    ("extends itself", "seed: 1\n", "extends: small.yaml\n", 3, "extends", "small.yaml -> small.yaml"),
]


@pytest.mark.parametrize(("right", "wrong", "line", "key", "text"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG])
def test_wrong_file_gives_one_line_and_loads_when_put_right(
    tmp_path: Path, right: str, wrong: str, line: int, key: str, text: str
) -> None:
    """File, line, key and what was expected; and nothing of it stays when the file is put right."""
    assert TEXT.count(right) == 1
    file = tmp_path / "small.yaml"
    file.write_text(TEXT.replace(right, wrong), encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load(file, models=MODELS)
    error = caught.value
    assert (error.file, error.line, error.key) == (str(file), line, key)
    assert text in error.expected
    assert str(error).startswith(f"{file}:{line}: {key}: " if key else f"{file}:{line}: ")
    assert len(str(error).splitlines()) == 1 and "pydantic" not in str(error)
    file.write_text(TEXT, encoding="utf-8")
    assert load(file, models=MODELS) == small()


def test_several_problems_are_counted_and_the_first_by_line_is_told() -> None:
    """One line, even for a file with three mistakes."""
    text = TEXT.replace("order: 4", "order: x").replace("scale: 0.5\n", "scale: -1\n").replace("250 ohm", "1 kg")
    with pytest.raises(ScenarioError, match=r"^small.yaml:6: balance.scale: must be .* \(and 2 more\)$") as caught:
        small(text)
    assert caught.value.more == 2
