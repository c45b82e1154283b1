"""`python faulty_disk.py ORDER …` runs `gateway …` on a disk that fails to order: while the file ORDER holds an error's name
and system calls (`EIO fdatasync fsync`), the kernel answers these calls of the gateway with that error.

A seccomp filter sends the calls to a small parent-less supervisor, which lets them pass or not. It needs neither root nor
a compiler, and the gateway itself is the unchanged one.
"""

import contextlib
import ctypes
import errno
import fcntl
import os
import platform
import select
import socket
import struct
import sys
from pathlib import Path

_CALLS, _SECCOMP = {
    "x86_64": ({"pwrite64": 18, "fsync": 74, "fdatasync": 75, "ftruncate": 77, "fallocate": 285}, 317),
    "aarch64": ({"pwrite64": 68, "fsync": 82, "fdatasync": 83, "ftruncate": 46, "fallocate": 47}, 277),
}[platform.machine()]
_NAMES = {number: name for name, number in _CALLS.items()}

_PR_SET_NO_NEW_PRIVS = 38
_SET_MODE_FILTER, _NEW_LISTENER = 1, 8
_LOAD_NUMBER, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _ASK = 0x7FFF0000, 0x7FC00000
_RECEIVE, _REPLY = 0xC0502100, 0xC0182101
_NOTIFICATION_BYTES = 80
_CONTINUE = 1


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("if_true", ctypes.c_uint8),
        ("if_false", ctypes.c_uint8),
        ("value", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(_Instruction)))


def install_filter() -> int:
    """From here on every call in the table waits for an answer; the descriptor on which they are announced."""
    numbers = list(_NAMES)
    asked = (
        _Instruction(_JUMP_IF_EQUAL, len(numbers) - position, 0, number)
        for position, number in enumerate(numbers)
    )
    code = (
        _Instruction(_LOAD_NUMBER, 0, 0, 0),
        *asked,
        *(_Instruction(_RETURN, 0, 0, a) for a in (_ALLOW, _ASK)),
    )
    program = _Program(len(code), (_Instruction * len(code))(*code))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    listener = libc.syscall(_SECCOMP, _SET_MODE_FILTER, _NEW_LISTENER, ctypes.byref(program))
    if listener < 0:
        raise OSError(ctypes.get_errno(), "seccomp")
    return listener


def supervise(listener: int, order: Path) -> None:
    """Answer calls until the process that makes them is gone."""
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    while not poll.poll()[0][1] & select.POLLHUP:
        notification = bytearray(_NOTIFICATION_BYTES)
        with contextlib.suppress(OSError):  # a killed thread takes its question back
            fcntl.ioctl(listener, _RECEIVE, notification)
            asked, _, _, number = struct.unpack_from("QIIi", notification)
            error = error_for(_NAMES[number], order)
            fcntl.ioctl(listener, _REPLY, struct.pack("QqiI", asked, 0, -error, 0 if error else _CONTINUE))


def error_for(call: str, order: Path) -> int:
    """The error number to fail with; 0 lets the call pass."""
    try:
        name, *calls = order.read_text().split() or [""]
    except FileNotFoundError:
        return 0
    return getattr(errno, name) if call in calls else 0


def main() -> None:
    order = Path(sys.argv.pop(1))
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        ours.close()
        _, [listener], _, _ = socket.recv_fds(theirs, 1, 1)
        supervise(listener, order)
        os._exit(0)
    theirs.close()
    listener = install_filter()
    socket.send_fds(ours, [b"!"], [listener])
    os.close(listener)
    ours.close()
    from gateway.cli import main as gateway

    gateway()


if __name__ == "__main__":
    main()
