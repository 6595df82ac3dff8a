"""Our drivers of servo, lock and sensors with a memory, and of a stage that goes to and fro: served, and improper."""

from __future__ import annotations

from time import sleep
from typing import Any

import numpy as np
import pytest

from components import roles
from components.clamp import Clamp
from components.flexure import Flexure
from components.motion import glide, sweeps
from components.switched_servo import SwitchedServo
from hw_bridge.client import IDENTIFY, LOCK, MEANS, SAMPLING, SERVO
from hw_bridge.errors import BridgeError, SafetyError
from scenarios.schema.hardware import Hardware, Limits
from tests.components.bench import bench as alone
from tests.hw_bridge.improper import Improper
from tests.hw_bridge.real_bench import NOBODY
from tests.hw_bridge.subjects import bench, driver, opened
from tests.hw_bridge.wired import Wired
from twin import plugins
from twin.piece import Piece
from twin.recorder import LATE, Schedule
from twin.times import NS

LIMITS = Limits(lower=-2e-3, upper=2e-3, velocity=5e-3)
WORDS: dict[str, dict[str, str]] = {
    "generic_servo": {"identify": IDENTIFY, **SERVO},
    "generic_lock": {"identify": IDENTIFY, **LOCK},
    "sampling_interferometer": {"identify": IDENTIFY, **SAMPLING},
    "sampling_position_detector": {"identify": IDENTIFY, **MEANS},
}


def made(kind: str, resource: str, *, armed: bool = True, without: str = "", **words: str) -> Any:
    """A driver that is not open yet."""
    commands = {key: word for key, word in {**WORDS[kind], **words}.items() if key != without}
    return driver("x", kind, resource, bench(), armed=armed, commands=commands)


def at(wired: Wired, name: str) -> str:
    return str(wired.row(name, "socket")["address"])


def source(wired: Wired, state: str) -> None:
    with wired.connect("socket") as operator:
        assert operator.query(f":SOUR:CURR:COMP 50;:SOUR:CURR 0;:OUTP {state};:OUTP?") == str(int(state == "ON"))


# --- a servo and a lock ----------------------------------------------------------------------------------------------


def test_a_servo_engages_and_releases_and_is_released_in_the_end(wired: Wired) -> None:
    source(wired, "ON")
    core = wired.station.core("servo")
    with opened(made("generic_servo", at(wired, "servo"))) as there:
        servo: Any = there
        assert isinstance(servo, roles.Servo) and servo.identity.startswith("KIBBLE-TWIN,SERVO")
        before = servo.clock.now
        servo.clock.run(servo.engage(0.5))
        assert core.state == "ENGAGED" and servo.clock.now >= before + NS // 2
        assert servo.reading("demand") == pytest.approx(-3.5e-3, rel=0.01)
        servo.clock.run(servo.release(0.5))
        assert core.state == "RELEASED"
        servo.clock.run(servo.engage(0.1))
        assert servo.make_safe() == "released, read back" and core.state in ("RELEASING", "RELEASED")


def test_a_servo_that_does_not_get_there_ends_the_run(wired: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its source is off: it refuses, and says nothing; that it is released is read back."""
    monkeypatch.setattr("hw_bridge.drivers.switched.POLLS", 3)
    source(wired, "OFF")
    with opened(made("generic_servo", at(wired, "servo"))) as servo:
        with pytest.raises(BridgeError, match="it should be engaged, and answers 'RELEASED'"):
            servo.clock.run(servo.engage(0.1))
        with pytest.raises(BridgeError, match="no word for its force"):
            servo.reading("force")


def test_a_servo_that_is_not_armed_stays_as_it_is(wired: Wired) -> None:
    with opened(made("generic_servo", at(wired, "servo"), armed=False)) as servo:
        servo.clock.run(servo.engage(0.5))
        assert servo.log == ["dry run: engage within 0.5 s"] and servo.clock.now >= NS // 2
        assert wired.station.core("servo").state in ("RELEASED", "TRIPPED")


class Locking:
    """A lock, or a servo, that answers over a socket and may be stuck."""

    def __init__(self) -> None:
        self.state, self.stuck = "1", False

    def __call__(self, line: bytes) -> bytes:
        if line == b"*IDN?":
            return b"LOCK\n"
        if line == b"LOCK?":
            return self.state.encode() + b"\n"
        if not self.stuck:
            self.state = str(int(line == b"LOCK ON"))
        return b""


def test_a_lock_opens_and_closes_and_its_state_is_an_interlock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hw_bridge.drivers.switched.POLLS", 3)
    there = Locking()
    with Improper(there) as server, opened(made("generic_lock", server.resource)) as lock:
        assert isinstance(lock, roles.CoilLock)
        for operation, state, locked in ((lock.unlock, "0", 0.0), (lock.lock, "1", 1.0)):
            lock.clock.run(operation(0.1))
            assert (there.state, lock.reading("locked")) == (state, locked)
        there.state = "?"
        assert lock.reading("locked") == 1.0, "what is not known to be open is locked"
        there.state, there.stuck = "1", True
        with pytest.raises(BridgeError, match="it should be unlocked, and answers '1'"):
            lock.clock.run(lock.unlock(0.0))
        assert lock.make_safe() == "locked, read back"
        there.state = "?"
        assert lock.make_safe() == "at '?', read back"
        there.state = "1"

        def flowing() -> None:
            raise SafetyError("interlock: current flows")

        lock.guards = [flowing]
        with pytest.raises(SafetyError, match="current flows"):
            lock.clock.run(lock.lock(0.0))


def test_a_lock_in_a_dry_run_reads_what_it_would_be() -> None:
    """So that a campaign that unlocks it gets past its own interlock; the real one stays as it is."""
    clamp, there = Clamp(), Locking()
    alone(clamp, "x")
    with Improper(there) as server:
        hardware = Hardware(driver="generic_lock", resource=server.resource, commands=WORDS["generic_lock"])
        lock: Any = plugins.load(plugins.DRIVERS, "generic_lock")("x", hardware, clamp, bench(), armed=False)
        with opened(lock):
            assert lock.reading("locked") == 1.0
            clamp.clock.run(clamp.unlock(0.0))
            assert (lock.reading("locked"), there.state) == (0.0, "1")


def test_after_an_interruption_a_servo_engages_again_and_a_lock_is_brought_back(wired: Wired) -> None:
    source(wired, "ON")
    servo = SwitchedServo()
    alone(servo, "x", required_force=0.0, coil_force=0.0, demand_fed_back=0.0)
    servo.clock.run(servo.engage(0.0))
    lent, core = bench(), wired.station.core("servo")
    hardware = Hardware(driver="generic_servo", resource=at(wired, "servo"), commands=WORDS["generic_servo"])
    resumed: Any = plugins.load(plugins.DRIVERS, "generic_servo")("x", hardware, servo, lent, armed=True)
    with opened(resumed):
        resumed.clock.run(resumed.take_up())
        assert core.state == "ENGAGED"
    clamp, there = Clamp(closed=False), Locking()
    alone(clamp, "x")
    with Improper(there) as server:
        hardware = Hardware(driver="generic_lock", resource=server.resource, commands=WORDS["generic_lock"])
        lock: Any = plugins.load(plugins.DRIVERS, "generic_lock")("x", hardware, clamp, bench(), armed=True)
        with opened(lock):
            assert clamp.is_locked, "the twin takes over what it finds"
            clamp.clock.run(clamp.unlock(0.0))
            lock.guards = [forbidding]
            with pytest.raises(SafetyError, match="not now"):
                lock.clock.run(lock.take_up())
            assert there.state == "1"
            lock.guards = []
            lock.clock.run(lock.take_up())
            assert (there.state, lock.taken_up) == ("0", "unlocked, as the run had it; it answered '1'")
            lock.guards, lock.taken_up = [forbidding], ""
            lock.clock.run(lock.take_up())
            assert lock.taken_up == "", "it is there"


def forbidding() -> None:
    """An interlock that does not hold."""
    raise SafetyError("interlock: not now")


# --- sensors ---------------------------------------------------------------------------------------------------------


def test_an_interferometer_reads_bursts_and_instants(wired: Wired) -> None:
    with opened(made("sampling_interferometer", at(wired, "interferometer"))) as sensor:
        assert isinstance(sensor, roles.Interferometer)
        schedule = Schedule(sensor.clock.now, NS // 10, 3, NS, 2)
        for instantaneous, aperture in ((False, NS // 10), (True, 0)):
            block = sensor.clock.run(sensor.read(schedule, {"phase": "velocity"}, instantaneous=instantaneous))
            assert (block.aperture, block.values.shape, block.unit) == (aperture, (2, 3), "m")
            assert block.source == "real" and float(block.labels[LATE]) >= 0.0
            assert np.all(np.abs(block.values) < 2e-6) and np.ptp(block.values) > 0


def test_a_position_detector_reads_all_four(wired: Wired) -> None:
    with opened(made("sampling_position_detector", at(wired, "position_detector"))) as sensor:
        assert isinstance(sensor, roles.PositionDetector)
        sensor.clock.run(sensor.read(Schedule(sensor.clock.now, NS // 5, 2), {}))
        blocks = {block.quantity: block for block in sensor.bench.recorder.readings}
        assert {q: b.unit for q, b in blocks.items()} == {"x": "m", "y": "m", "theta_x": "rad", "theta_y": "rad"}


class Counter:
    """A counter that answers over a socket what it is told to."""

    def __init__(self, **answers: str) -> None:
        self.answers = {"*IDN?": "COUNTER", "SAMP:COUN?;TIM?;AVER?": "2;0.1;1", "FETC?": "1e-3,2e-3", **answers}

    def __call__(self, line: bytes) -> bytes:
        found = self.answers.get(line.decode())
        return b"" if found is None else found.encode() + b"\n"


@pytest.mark.parametrize(
    ("answers", "text"),
    [
        ({"SAMP:COUN?;TIM?;AVER?": "2;0.2;1"}, r"left it at \[2.0, 0.2, 1.0\]"),
        ({"SAMP:COUN?;TIM?;AVER?": "2;0.1"}, "garbled reply|left it at"),
        ({"FETC?": "1e-3"}, "2 readings were asked for, 1 numbers came"),
        ({"FETC?": "1e-3,nan"}, "garbled reply"),
        ({"FETC?": "1e-3,"}, "garbled reply"),
    ],
)
def test_a_sensor_that_answers_something_else_is_not_believed(answers: dict[str, str], text: str) -> None:
    with Improper(Counter(**answers)) as server, opened(made("sampling_interferometer", server.resource)) as sensor:
        with pytest.raises(BridgeError, match=text):
            sensor.clock.run(sensor.read(Schedule(0, NS // 10, 2), {}))
        assert not list(sensor.bench.recorder.readings)


def test_wrong_words_of_sensors_are_told() -> None:
    with pytest.raises(BridgeError, match="lacks fetch"):
        made("sampling_interferometer", NOBODY, without="fetch")
    with pytest.raises(BridgeError, match=r"needs \{count\} and \{step\}"):
        made("sampling_interferometer", NOBODY, configure="COUN {count}")
    with pytest.raises(BridgeError, match="one calibration does not fit"):
        words = {"identify": IDENTIFY, **MEANS}
        driver("x", "sampling_position_detector", NOBODY, bench(), commands=words, calibration={"gain": 1e-3})
    plain = made("sampling_interferometer", NOBODY, **MEANS)
    with pytest.raises(BridgeError, match="means alone"):
        plain.clock.run(plain.read(Schedule(0, NS, 1), {}, instantaneous=True))


# --- to and fro ------------------------------------------------------------------------------------------------------


def test_a_stage_sweeps_to_and_fro_with_the_velocity_in_the_middle(wired: Wired) -> None:
    """As the campaign wants it, but for the ends: these are quicker, so that there is time to talk."""
    moved: Any = wired.station.served.twin.graph.components["flexure"]
    limits = {"lower": -2e-3, "upper": 2e-3, "velocity": 5e-3}
    with opened(driver("f", "pi_gcs", at(wired, "flexure"), bench(), limits=limits)) as there:
        stage: Any = there
        bottom = float(sweeps(0.5e-3, 1e-3, 1.0, 0.2, 0, 1)[0].values_at(0)[0].real)
        now = stage.clock.now
        stage.clock.run(stage.move(glide(stage.commanded()[0], bottom, now, now + NS)))
        begun, now = wired.station.clock.now, stage.clock.now
        stage.clock.run(stage.move(sweeps(0.5e-3, 1e-3, 1.0, 0.2, now, 2)))
        assert stage.clock.now >= now + 4 * NS and moved.commanded()[0] == pytest.approx(bottom, abs=1e-9)
        cruising = [p for p in moved.motion.track.pieces if p.start >= begun and p.end and _speed(p, p.start)]
        assert [_speed(p, p.start) for p in cruising] == pytest.approx([1e-3, -1e-3] * 2, rel=1e-6)
        assert [_speed(p, p.end) for p in cruising] == pytest.approx([1e-3, -1e-3] * 2, rel=1e-6)
        middles = [float(p.values_at((p.start + p.end) // 2)[0].real) for p in cruising]
        assert middles == pytest.approx([0.5e-3] * 4, abs=1e-9)


def test_a_coil_that_is_elsewhere_does_not_begin_a_run(wired: Wired) -> None:
    """Bl there is another, and no reading tells."""
    hardware = Hardware(driver="pi_gcs", resource=at(wired, "flexure"), limits=LIMITS)
    here = wired.station.served.twin.graph.components["flexure"].commanded()[0]  # type: ignore[attr-defined]
    for place, fits in ((here, True), (here + 1e-4, False)):
        unit = Flexure(weighing_position=place)
        stage: Any = plugins.load(plugins.DRIVERS, "pi_gcs")("flexure", hardware, unit, bench(), armed=True)
        with opened(stage):
            if fits:
                stage.is_where_it_begins()
            else:
                with pytest.raises(BridgeError, match="a run begins where it weighs, at"):
                    stage.is_where_it_begins()


def _speed(piece: Piece, instant: int) -> float:
    """0 where it is below that of the sweeps."""
    ends = [abs(float(piece.derivative().values_at(t)[0].real)) for t in (piece.start, piece.end or piece.start)]
    return float(piece.derivative().values_at(instant)[0].real) if min(ends) > 0.5e-3 else 0.0


def test_a_reading_that_waits_for_another_job_says_by_how_much_it_is_late() -> None:
    """Not when it was asked for, but when it was told to read."""
    with Improper(lambda line: b"METER\n" if line == b"ID" else b"1.5\n") as server:
        commands = {"identify": "ID", "read": "READ?"}
        lent = bench(1.0)
        with opened(driver("m", "generic_meter", server.resource, lent, commands=commands)) as meter:
            meter.worker.do(lambda: sleep(0.1), 1.0)
            there: Any = meter
            block = lent.clock.run(there.read(Schedule(lent.clock.now, NS // 100, 1), {}))
            assert 0.09 < block.labels[LATE] < 5.0
