"""The stand-in for the library of SIOS once more, in Python, for machines without a C compiler."""

from __future__ import annotations


class Library:
    """One device with two channels; see ``standin_siosifm.c``, which does the same."""

    def __init__(self) -> None:
        self.opened = self.fault = self.gone = self.flags = self.taken = 0
        self.rate, self.started = 0.0, False
        self.length, self.slope, self.zero = [0.0] * 4, [0.0] * 4, [0.0] * 4
        self.edlen = [1] * 4
        self.IfmOpenCOM = lambda name: -4

    # of the test

    def SetLength(self, channel: int, nm: float, nm_per_value: float) -> None:
        self.length[channel], self.slope[channel] = nm, nm_per_value

    def SetFault(self, what: int) -> None:
        self.fault = what

    def Vanish(self, gone: int) -> None:
        self.gone = gone

    def Opened(self) -> int:
        return self.opened

    # of the library

    def IfmInit(self) -> int:
        return 0

    def IfmClose(self) -> None:
        """Nothing to let go of."""

    def IfmSearchUSBDevices(self) -> int:
        return 1

    def IfmOpenUSB(self, number: int) -> int:
        self.opened += number == 0
        return 0 if number == 0 else -2

    def IfmOpenNetwork(self, host: bytes, port: int) -> int:
        return 0 if port == 2121 else -3

    def IfmCloseDevice(self, device: int) -> None:
        self.opened -= 1

    def IfmDeviceValid(self, device: int) -> int:
        return int(device == 0 and not self.gone)

    def IfmChannels(self, device: int) -> int:
        return 2

    def IfmFirmwareVersion(self, device: int) -> int:
        return 512

    def IfmDeviceInfo(self, device: int, what: int) -> int:
        return {2: int(self.rate), 4: self.flags, 9: 4711}.get(what, 0)

    def IfmSetMeasurement(self, device: int, flags: int, rate: float) -> int:
        self.flags, self.rate = flags, rate * {7: 0.5, 9: 0.995}.get(self.fault, 1.0)
        return 0

    def IfmClearBuffers(self, device: int) -> int:
        return 0

    def IfmStart(self, device: int) -> int:
        if self.fault == 5:
            return -7
        self.started, self.taken = True, 0
        return 0

    def IfmStop(self, device: int) -> int:
        self.started = False
        return 0

    def IfmValueCount(self, device: int) -> int:
        return int(self.started and not (self.fault == 4 and self.taken >= 3))

    def IfmGetValues(self, device: int) -> int:
        self.taken += 1
        return 1

    def IfmLengthValue(self, device: int, channel: int) -> float:
        return self.length[channel] + self.slope[channel] * (self.taken - 1) - self.zero[channel]

    def IfmSetToZero(self, device: int, mask: int) -> int:
        for channel in range(4):
            if mask >> channel & 1 and self.fault != 8:
                self.zero[channel] = self.length[channel]
        return 0

    def IfmWasBeamBreak(self, device: int, channel: int) -> int:
        return int(self.fault == 1)

    def IfmWasLostValues(self, device: int) -> int:
        return int(self.fault == 2)

    def IfmWasLaserUnstable(self, device: int, channel: int) -> int:
        return int(self.fault == 3)

    def IfmEnableEdlenCorrection(self, device: int, channel: int, on: int) -> None:
        if self.fault != 6:
            self.edlen[channel] = on

    def IfmIsEdlenEnabled(self, device: int, channel: int) -> int:
        return self.edlen[channel]

    def IfmGetErrorString(self, error: int) -> bytes:
        return {-2: b"no such device", -7: b"not ready"}.get(error, b"failed")
