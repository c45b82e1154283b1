"""What the machine must allow for a test of a machine of its own."""

import os
import subprocess

_NAMESPACES = ["unshare", "--mount", "--net", "--pid", "--fork", "true"]


def _gives_machines() -> bool:
    return os.geteuid() == 0 and subprocess.run(_NAMESPACES, check=False, capture_output=True).returncode == 0


collect_ignore = [] if _gives_machines() else ["test_install.py"]
