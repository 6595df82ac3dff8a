"""A SIOS interferometer (RE-10 card) as an `Interferometer`, through the vendor's library ``siosifm``.

::

    hardware:
      driver: sios
      resource: USB::0                 # or COM::/dev/ttyACM0, TCPIP::192.0.2.12::2121
      settings:
        library: /opt/sios/libsiosifm.so
        channel: 1                     # 1 to 4
        rate: 1 kHz                    # of values; each reading is their mean over its step
        direction: up                  # or down: which way its length grows
        zero: keep                     # or here: call the present position zero when it connects, and read that back

The library is the vendor's, comes with the instrument and is not distributed with this program. Names and prototypes
are those of its public header ``siosifmdll.h`` and of programs that use it (an EPICS driver, the vendor's examples):
lengths are in nanometres, a negative device number and any other number but 0 is an error, ``IfmGetErrorString``
names it. What nobody says in public, and is assumed: that ``IfmDeviceInfo`` tells the rate that was set (``2``) and
the flags (``4``) at once; that a lost beam, lost values and an unstable laser are told until they have been asked
for. The length is asked for **without** the correction for air (``IfmEnableEdlenCorrection`` off, read back): whoever
reduces the readings divides by the index, as for the simulated instrument.

Values begin when the card is told to start: ``late_s`` of a block says by how much later than it was to be. What the
card takes from there is not in public: ``commission`` measures it, and ``hardware.trigger_latency`` states it.

A reading during which the beam was broken, values were lost or the laser was unstable is not recorded: an error. The
driver has met a stand-in for the library, and neither the library nor the instrument.
"""

from __future__ import annotations

import ctypes
import re
import time
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from hw_bridge.drivers.driver import Driver
from hw_bridge.drivers.library import LibraryWire
from hw_bridge.drivers.settings import TEXT
from hw_bridge.drivers.steps import edges_of, firsts_of, means_of
from hw_bridge.drivers.wire import Wire, WireError
from hw_bridge.errors import BridgeError
from twin.clock import Process
from twin.recorder import Label, Schedule

Array = NDArray[np.float64]
NM = 1e-9
RATE = 1000.0
"""Of values, unless stated (Hz)."""
AT_ZERO = 10e-6
"""How far from its zero a length may be that has just been set to it (m): a coil that hangs is not quite at rest."""
CHANNELS = (1, 2, 3, 4)
LENGTH, FIRST_CHANNEL = 0x0002, 0x0100
"""Of the measurement flags: the length; the first channel, with the others in the bits after it."""
OUTPUT_RATE, FLAGS, SERIAL = 2, 4, 9
"""What ``IfmDeviceInfo`` can be asked for."""
MOST = 1 << 22
"""Values of a burst that are held at a time."""
POLL = 0.002
"""Between two looks whether values have come (s)."""
NAMES = "siosifm.dll", "libsiosifm.so"
_RESOURCE = re.compile(r"(?P<way>USB|COM|TCPIP)::(?P<where>[^:\s]+)(?:::(?P<port>\d{1,5}))?\Z", re.IGNORECASE)
_INT, _DOUBLE, _TEXT = ctypes.c_int, ctypes.c_double, ctypes.c_char_p
PROTOTYPES: Mapping[str, tuple[Any, ...]] = {
    "IfmInit": (_INT,),
    "IfmClose": (None,),
    "IfmSearchUSBDevices": (_INT,),
    "IfmOpenUSB": (_INT, _INT),
    "IfmOpenNetwork": (_INT, _TEXT, _INT),
    "IfmCloseDevice": (None, _INT),
    "IfmDeviceValid": (_INT, _INT),
    "IfmDeviceInfo": (_INT, _INT, _INT),
    "IfmChannels": (_INT, _INT),
    "IfmFirmwareVersion": (_INT, _INT),
    "IfmSetMeasurement": (_INT, _INT, ctypes.c_uint, _DOUBLE),
    "IfmClearBuffers": (_INT, _INT),
    "IfmStart": (_INT, _INT),
    "IfmStop": (_INT, _INT),
    "IfmValueCount": (_INT, _INT),
    "IfmGetValues": (_INT, _INT),
    "IfmLengthValue": (_DOUBLE, _INT, _INT),
    "IfmSetToZero": (_INT, _INT, _INT),
    "IfmWasBeamBreak": (_INT, _INT, _INT),
    "IfmWasLostValues": (_INT, _INT),
    "IfmWasLaserUnstable": (_INT, _INT, _INT),
    "IfmEnableEdlenCorrection": (None, _INT, _INT, _INT),
    "IfmIsEdlenEnabled": (_INT, _INT, _INT),
    "IfmGetErrorString": (_TEXT, _INT),
}
"""Functions that are used: what each returns, and its parameters. ``IfmOpenCOM`` differs between systems."""


class SiosInterferometer(Driver):
    """See the module."""

    role = "Interferometer"
    unit = "m"
    tells = ("position",)
    senses = ("position", "reference")
    takes: ClassVar[Mapping[str, str]] = {
        "library": TEXT,
        "channel": "1",
        "rate": "Hz",
        "direction": TEXT,
        "zero": TEXT,
    }

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.channel = int(self.settings.value("channel", 1.0)) - 1
        self.rate = self.settings.value("rate", RATE)
        self.sign = 1.0 if self.settings.choice("direction", "up", "down") == "up" else -1.0
        self.zeroing = self.settings.choice("zero", "keep", "here") == "here"
        if self.channel + 1 not in CHANNELS or self.rate <= 0:
            raise BridgeError(f"{self.name}: settings.channel is 1 to 4, and settings.rate above zero", self.name)

    def connection(self) -> Wire:
        if not _RESOURCE.match(self.hardware.resource):
            raise BridgeError(
                f"{self.name}: {self.hardware.resource!r} is none of USB::NUMBER, COM::DEVICE, TCPIP::HOST::PORT",
                self.name,
            )
        return LibraryWire(self.hardware.resource, self.hardware.timeout, self._open, _shut)

    # --- the library -------------------------------------------------------------------------------------------------

    def _open(self) -> tuple[Any, int]:
        """The library and the number of the device."""
        library = loaded(self.settings.text("library", ""))
        self._check(library, library.IfmInit())
        found = _RESOURCE.match(self.hardware.resource)
        assert found is not None
        way, where = found["way"].upper(), found["where"]
        if way == "USB":
            if library.IfmSearchUSBDevices() <= 0:
                library.IfmClose()
                raise WireError(f"{self.hardware.resource}: no SIOS interferometer at USB; is it on?")
            device = library.IfmOpenUSB(int(where) if where.isdigit() else -1)
        elif way == "TCPIP":
            device = library.IfmOpenNetwork(where.encode("ascii"), int(found["port"] or 0))
        else:
            opening = library.IfmOpenCOM
            opening.restype, opening.argtypes = _INT, [_INT if where.isdigit() else _TEXT]
            device = opening(int(where) if where.isdigit() else where.encode("ascii"))
        if device < 0:
            text = named(library, device)
            library.IfmClose()
            raise WireError(f"{self.hardware.resource} does not open: {text}; is it on, and its address right?")
        return library, device

    def _check(self, library: Any, result: int) -> None:
        """Raise what a function reports."""
        if result != 0:
            raise WireError(f"{self.hardware.resource}: {named(library, result)}")

    def _handle(self, wire: Wire) -> tuple[Any, int]:
        assert isinstance(wire, LibraryWire)
        library, device = wire.handle
        if not library.IfmDeviceValid(device):
            raise WireError(f"{self.hardware.resource}: connection lost")
        return library, device

    # --- what it does ------------------------------------------------------------------------------------------------

    def set_up(self, wire: Wire) -> str:
        library, device = self._handle(wire)
        if self.channel >= library.IfmChannels(device):
            raise BridgeError(f"{self.name}: it has {library.IfmChannels(device)} channels", self.name)
        flags = LENGTH | FIRST_CHANNEL << self.channel
        self._check(library, library.IfmSetMeasurement(device, flags, self.rate))
        if library.IfmDeviceInfo(device, FLAGS) & flags != flags:
            raise BridgeError(f"{self.name}: it does not measure the length of channel {self.channel + 1}", self.name)
        rate = library.IfmDeviceInfo(device, OUTPUT_RATE)
        wanted = self.settings.value("rate", RATE)
        if abs(rate - wanted) > max(0.01 * wanted, 1.0):  # it tells whole hertz
            raise BridgeError(f"{self.name}: its rate is {rate} Hz, not {wanted:g} Hz", self.name)
        self.rate = wanted if abs(rate - wanted) < 1.0 else float(rate)
        library.IfmEnableEdlenCorrection(device, self.channel, 0)
        if library.IfmIsEdlenEnabled(device, self.channel):
            raise BridgeError(f"{self.name}: its correction for air cannot be switched off", self.name)
        if self.zeroing:
            self._check(library, library.IfmSetToZero(device, 1 << self.channel))
        self._told(library, device)  # what happened before is over
        if self.zeroing and abs(here := float(self.burst(wire, 1)[0][0])) > AT_ZERO:
            raise BridgeError(f"{self.name}: its zero was set, and it is at {here:.6g} m", self.name)
        serial = library.IfmDeviceInfo(device, SERIAL)
        return f"SIOS interferometer, serial number {serial:06d}, firmware {library.IfmFirmwareVersion(device)}"

    def _told(self, library: Any, device: int) -> list[str]:
        """What went wrong since it was last asked."""
        told = {
            "the beam was broken": library.IfmWasBeamBreak(device, self.channel),
            "values were lost": library.IfmWasLostValues(device),
            "the laser was unstable": library.IfmWasLaserUnstable(device, self.channel),
        }
        return [what for what, happened in told.items() if happened]

    def read(self, schedule: Schedule, labels: Mapping[str, Label], *, instantaneous: bool = False) -> Process:
        """Read the position (m), averaged over each step or at its start; returns the block.

        Raises
        ------
        BridgeError
            If it cannot be trusted; nothing is recorded then.
        """
        try:
            edges = edges_of(schedule.step, schedule.count, self.rate)
        except ValueError as error:
            raise BridgeError(f"{self.name}: {error}: raise settings.rate", self.name) from None
        if edges[-1] > MOST:
            raise BridgeError(f"{self.name}: a burst of {edges[-1]} values: lower settings.rate", self.name)
        of_each = firsts_of if instantaneous else means_of
        values, late = np.empty((schedule.repeats, schedule.count)), 0
        for burst in range(schedule.repeats):
            start = schedule.start + burst * schedule.every
            yield self.clock.until(max(start, self.clock.now))
            lengths, started = yield from self.ask(partial(self.burst, count=int(edges[-1])), edges[-1] / self.rate)
            late, values[burst] = max(late, started - start), of_each(lengths, edges)
        if self.clock.now < schedule.end:
            yield self.clock.until(schedule.end)
        aperture = 0 if instantaneous else schedule.step
        return self.record(values, schedule, "position", "m", aperture, labels, late)

    def burst(self, wire: Wire, count: int) -> tuple[Array, int]:
        """Positions (m) from now on, and when that was (ns)."""
        library, device = self._handle(wire)
        self._check(library, library.IfmClearBuffers(device))
        started = self.present()
        self._check(library, library.IfmStart(device))
        lengths = np.empty(count)
        end = time.monotonic() + self.patience + count / self.rate
        try:
            for k in range(count):
                while library.IfmValueCount(device) <= 0:
                    if time.monotonic() > end:
                        raise WireError(f"{self.hardware.resource}: {count} values were asked for, {k} came in time")
                    time.sleep(POLL)
                if library.IfmGetValues(device) < 0:
                    raise WireError(f"{self.hardware.resource}: a value could not be taken")
                lengths[k] = library.IfmLengthValue(device, self.channel)
        finally:
            stopped = library.IfmStop(device)
        self._check(library, stopped)
        if told := self._told(library, device):
            raise BridgeError(f"{self.name}: {', '.join(told)}; nothing was recorded", self.name)
        return self.sign * NM * lengths, started


def loaded(path: str) -> Any:
    """The library, with the prototypes of what is used.

    Raises
    ------
    WireError
        If it is not there, or is another one.
    """
    last: Exception | None = None
    for name in (path,) if path else NAMES:
        try:
            library = ctypes.CDLL(name)
            for function, (result, *parameters) in PROTOTYPES.items():
                found = getattr(library, function)
                found.restype, found.argtypes = result, parameters
            return library
        except (OSError, AttributeError) as error:
            last = error
    raise WireError(f"the library of SIOS is not there: {last}; give its place as settings.library")


def named(library: Any, error: int) -> str:
    """An error by its name."""
    text = library.IfmGetErrorString(error)
    return f"error {error} ({text.decode('latin-1') if text else 'unknown'})"


def _shut(handle: tuple[Any, int]) -> None:
    library, device = handle
    library.IfmCloseDevice(device)
    library.IfmClose()
