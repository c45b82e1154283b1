"""A disk whose power can be cut: ext4 in a file. What was not synced when that happens is gone."""

import errno
import fcntl
import os
import shutil
import struct
import subprocess
import tempfile
import time
from pathlib import Path

_SHUTDOWN, _WITHOUT_FLUSHING = 0x8004587D, struct.pack("I", 2)
_MEGABYTES = 192
_SECONDS_TO_UNPLUG = 15.0


def can_be_had() -> bool:
    """Tried where nobody sees it: in a mount namespace that is gone at once."""
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
        """From here on every write and every read fails, and nothing that was written before is flushed."""
        disk = os.open(self.directory, os.O_RDONLY)
        try:
            fcntl.ioctl(disk, _SHUTDOWN, _WITHOUT_FLUSHING)
        finally:
            os.close(disk)

    def unplug(self) -> None:
        """Once nobody holds a file on it any more. Raises OSError when somebody does for too long."""
        deadline = time.monotonic() + _SECONDS_TO_UNPLUG
        while subprocess.run(("umount", str(self.directory)), capture_output=True).returncode:
            if time.monotonic() > deadline:
                raise OSError(errno.EBUSY, "somebody holds a file on it", str(self.directory))
            time.sleep(0.05)

    def remove(self) -> None:
        if self.directory.is_mount():
            subprocess.run(("umount", "--lazy", str(self.directory)), check=True)
        self.directory.rmdir()
        self._image.unlink()
