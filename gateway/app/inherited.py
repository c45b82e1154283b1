"""What one of several serving processes gets from the process that starts them: its listeners' sockets, and a pipe that closes when
that process is gone."""

import re
import socket
from dataclasses import dataclass
from typing import Self

BACKLOG = 1024
"""Connections that wait at a listener until they are accepted."""


@dataclass(frozen=True, slots=True)
class Inherited:
    """`number` counts the processes from 1. Descriptors stay the same across the start of the process."""

    number: int
    public: int
    admin: int
    lifeline: int

    def text(self) -> str:
        return f"{self.number}:{self.public}:{self.admin}:{self.lifeline}"

    @classmethod
    def read(cls, text: str) -> Self:
        """Raises ValueError."""
        if not re.fullmatch(r"\d{1,3}(:\d{1,6}){3}", text, re.ASCII):
            raise ValueError(text)
        return cls(*map(int, text.split(":")))

    def listeners(self) -> tuple[socket.socket, socket.socket]:
        """The public one and the operators'."""
        return socket.socket(fileno=self.public), socket.socket(fileno=self.admin)
