"""The serial port: the only place that knows pyserial."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from qlif.model.exceptions import InputError, ToolError
from qlif.model.support.optional import optional


class Port(Protocol):
    """Bytes to a board, and from it."""

    def write(self, data: bytes) -> None:
        """Send bytes."""

    def read(self, seconds: float) -> bytes:
        """Return what has come, at least one byte; nothing if nothing comes for so long."""


class SerialPort:
    """A serial device.

    Parameters
    ----------
    device : object
        pyserial's.
    """

    def __init__(self, device: Any) -> None:
        self._device = device

    def write(self, data: bytes) -> None:
        """Send bytes; ToolError if the device is gone."""
        with _lost(self._device.name):
            self._device.write(data)

    def read(self, seconds: float) -> bytes:
        """Return what has come; ToolError if the device is gone."""
        with _lost(self._device.name):
            self._device.timeout = seconds
            first: bytes = self._device.read(1)
            return first + self._device.read(self._device.in_waiting) if first else b""


@contextmanager
def _lost(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:  # pyserial's own are of this class
        raise ToolError(f"the device {name} was lost: {error}") from None


@contextmanager
def serial_port(path: str, baud: int) -> Iterator[SerialPort]:
    """Open a serial device, for one process at a time; it is closed with the block.

    Raises
    ------
    InputError
        pyserial isn't installed, or there is no such device, or somebody else has it.
    """
    serial = optional("serial", "board")
    try:
        device = serial.Serial(path, baud, exclusive=True, write_timeout=5.0)
    except (OSError, ValueError) as error:
        raise InputError(f"--port {path} can't be opened: {_reason(error)}") from None
    with device:
        yield SerialPort(device)


def _reason(error: Exception) -> str:
    """Return why a device can't be opened, without pyserial's wrapping."""
    import errno
    import os

    number = getattr(error, "errno", None)
    if number == errno.ENOENT:
        return "there is no such device"
    if number in (errno.EAGAIN, errno.EWOULDBLOCK):
        return "another program is using it"
    return os.strerror(number) if number else str(error)
