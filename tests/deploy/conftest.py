"""What the machine must allow for a test of a machine of its own."""

import os
import subprocess

_NAMESPACES = ["unshare", "--mount", "--net", "--pid", "--fork", "--cgroup", "--ipc", "--uts"]
_CONTROL_GROUPS = [
    "sh",
    "-c",
    "mount -t cgroup2 cgroup2 /mnt && mkdir /mnt/gateway-$$ && rmdir /mnt/gateway-$$",
]


def _gives_machines() -> bool:
    asked = [*_NAMESPACES, *_CONTROL_GROUPS]
    return os.geteuid() == 0 and subprocess.run(asked, check=False, capture_output=True).returncode == 0


collect_ignore = [] if _gives_machines() else ["test_install.py"]
