"""What one batch may read, and what it changed."""

from gateway.workingset.collection import Collection, NotLoaded, Written
from gateway.workingset.workingset import WorkingSet

__all__ = ["Collection", "NotLoaded", "WorkingSet", "Written"]
