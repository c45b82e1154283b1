"""A disk whose power can be cut, together with all processes on it: ext4 in a file. Data that was not synced by then is lost."""

import contextlib
import errno
import fcntl
import os
import shutil
import signal
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_SHUTDOWN, _WITHOUT_FLUSHING = 0x8004587D, struct.pack("I", 2)
_MEGABYTES = 192
_SECONDS_TO_UNPLUG = 15.0
_SECONDS_FOR_COPIES = 60.0
_SECONDS_TO_STOP = 15.0
_STOPPED_OR_IN_THE_KERNEL = {"T", "D", "Z", "X"}


def can_be_had() -> bool:
    """Tried in a mount namespace of its own, which is gone at once."""
    if not all(shutil.which(program) for program in ("unshare", "mkfs.ext4", "mount")):
        return False
    with tempfile.NamedTemporaryFile() as image:
        image.truncate(8 << 20)
        attempt = f"mkfs.ext4 -q {image.name} && mount -o loop {image.name} /mnt"
        tried = subprocess.run(("unshare", "--mount", "sh", "-c", attempt), capture_output=True)
    return tried.returncode == 0


class Disk:
    """`directory` is what is on it while it is plugged in. The path is short: sockets fit into it."""

    def __init__(self, image: Path) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="gw-disk-"))
        self._image = image
        with image.open("wb") as file:
            file.truncate(_MEGABYTES << 20)
        subprocess.run(("mkfs.ext4", "-q", str(image)), check=True)

    def plug_in(self) -> None:
        subprocess.run(("mount", "-o", "loop", str(self._image), str(self.directory)), check=True)

    def sync(self) -> None:
        subprocess.run(("sync", "--file-system", str(self.directory)), check=True)

    def cut(self) -> None:
        """Nothing that was written before is flushed, and every process with a file on it is dead.

        They are stopped before the disk is. Otherwise an fsync that is under way when the journal of ext4 is aborted may still
        come back with success (Linux 6.18: one cut in ten), and a client would be told that lost data is safe.
        """
        stopped = self._stop_everyone()
        disk = os.open(self.directory, os.O_RDONLY)
        try:
            fcntl.ioctl(disk, _SHUTDOWN, _WITHOUT_FLUSHING)
        finally:
            os.close(disk)
        for pid in stopped:
            os.kill(pid, signal.SIGKILL)

    def _stop_everyone(self) -> set[int]:
        """Once none of them can return from a system call any more. Raises OSError when one can for too long."""
        deadline = time.monotonic() + _SECONDS_TO_STOP
        stopped: set[int] = set()
        while (holders := set(self._holders())) - stopped:
            for pid in holders - stopped:
                os.kill(pid, signal.SIGSTOP)
            stopped |= holders
            while not all(map(_is_stopped, holders)):
                if time.monotonic() > deadline:
                    raise OSError(errno.EBUSY, "a process does not stop", str(self.directory))
        return stopped

    def _holders(self) -> Iterator[int]:
        """Processes with an open file or their working directory on it."""
        for process in filter(lambda entry: entry.name.isdigit(), Path("/proc").iterdir()):
            if any(place.is_relative_to(self.directory) for place in _open_places(process)):
                yield int(process.name)

    def unplug(self) -> None:
        """Once no process holds a file on it any more, and the kernel has let go of it. A mount namespace that another test made
        meanwhile has a copy of the mount: until that is gone, the disk would be plugged in again in the state in which it was
        cut. Raises OSError if it takes too long."""
        deadline = time.monotonic() + _SECONDS_TO_UNPLUG
        while subprocess.run(("umount", str(self.directory)), capture_output=True).returncode:
            if time.monotonic() > deadline:
                raise OSError(errno.EBUSY, "a process holds a file on it", str(self.directory))
            time.sleep(0.05)
        while subprocess.run(
            ("losetup", "--associated", str(self._image)), capture_output=True, check=True
        ).stdout:
            if time.monotonic() > deadline + _SECONDS_FOR_COPIES:
                raise OSError(errno.EBUSY, "a copy of the mount holds it", str(self.directory))
            time.sleep(0.05)

    def remove(self) -> None:
        if self.directory.is_mount():
            subprocess.run(("umount", "--lazy", str(self.directory)), check=True)
        self.directory.rmdir()
        self._image.unlink()


def _open_places(process: Path) -> Iterator[Path]:
    links = [process / "cwd"]
    with contextlib.suppress(OSError):  # it has ended
        links += (process / "fd").iterdir()
    for link in links:
        with contextlib.suppress(OSError):  # closed meanwhile
            yield Path(os.readlink(link))


def _is_stopped(pid: int) -> bool:
    """All of its threads; one inside a system call stops on its way out of it."""
    with contextlib.suppress(FileNotFoundError):
        return all(
            _state(thread) in _STOPPED_OR_IN_THE_KERNEL for thread in Path(f"/proc/{pid}/task").iterdir()
        )
    return True


def _state(thread: Path) -> str:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return (thread / "stat").read_text().rpartition(")")[2].split()[0]
    return "X"
