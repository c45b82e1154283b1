"""Converts a file to UTF-8 with LF line ends from everything that spreadsheets write: UTF-16, a code page, CR line ends."""

import codecs
import io
import re
from pathlib import Path
from typing import Any, BinaryIO

from gateway.cli.failure import MISUSED, Failure

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks. UTF-32 comes first, because its marks begin like those of UTF-16."""
_CHUNK = 256 << 10
_CR = re.compile(r"\r+\n|\r")
_NOT_TEXT = "gateway-not-text"
_ADVICE = (
    "save it as «CSV UTF-8» in the spreadsheet, or say what it is: --encoding cp1252 (Western Europe), cp1250 (Central "
    "Europe), cp1251 (Cyrillic), cp1256 (Arabic), mac-roman (Excel for Mac), cp932 (Japanese), gb18030 (Chinese)"
)


def _mark_not_text(error: UnicodeError) -> tuple[str, int]:
    """A lone surrogate, written as a byte that UTF-8 never contains. So only this line is refused."""
    if isinstance(error, UnicodeDecodeError):
        return "\udcff", max(error.end, error.start + 1)
    raise error


codecs.register_error(_NOT_TEXT, _mark_not_text)


def encoding_of(file: Path, head: bytes, said: str) -> str:
    """The encoding: from the file's first bytes, or else from the operator, or else UTF-8. Raises Failure if the first two
    differ."""
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), "")
    if said:
        known = _known_encoding(said)
        if marked and not known.replace("_", "-").startswith(marked):
            raise Failure(
                f"{file}: begins with the mark of {marked}, it is not {said}; omit --encoding", MISUSED
            )
        return marked or known
    return marked or _without_mark(file, head)


def _known_encoding(said: str) -> str:
    try:
        name = codecs.lookup(said).name
        io.TextIOWrapper(io.BytesIO(), said).close()
        ascii_kept = "id;1".encode(said).replace(b"\0", b"").endswith(b"id;1")
    except (LookupError, ValueError):
        name, ascii_kept = "", False
    if not ascii_kept:
        raise Failure(f"--encoding {said}: is not known; write for example cp1252, cp1256 or utf-16", MISUSED)
    return name


def _without_mark(file: Path, head: bytes) -> str:
    """Recognises UTF-16 by its zero bytes, which appear wherever letters, digits or separators are Latin."""
    if b"\0" not in head:
        return "utf-8"
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if max(even, odd) * 20 < len(head) or min(even, odd) * 10 > max(even, odd):
        raise Failure(f"{file}: is not a text; save it as «CSV UTF-8» or .xlsx in the spreadsheet", MISUSED)
    return "utf-16-le" if odd > even else "utf-16-be"


def check_utf8(file: Path, opened: BinaryIO) -> None:
    """Raises Failure for the first line that is not UTF-8. The file is read once, in small pieces."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    line, carriage_returns = 1, 1
    opened.seek(0)
    while chunk := opened.read(_CHUNK):
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError as error:
            before = error.object[: error.start]
            line, carriage_returns = line + before.count(b"\n"), carriage_returns + before.count(b"\r")
            break
        line, carriage_returns = line + chunk.count(b"\n"), carriage_returns + chunk.count(b"\r")
    else:
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            pass
        else:
            opened.seek(0)
            return
    raise Failure(f"{file}: line {line if line > 1 else carriage_returns} is not UTF-8; {_ADVICE}", MISUSED)


def has_cr_line_ends(text: str) -> bool:
    """Whether the first line ends with CR alone, or with several CRs before its LF."""
    found = re.search(r"\r+\n|\r|\n", text)
    return found is not None and found[0] not in ("\n", "\r\n")


def recoded(file: BinaryIO, encoding: str, *, cr: bool) -> BinaryIO:
    """The rest of `file` in UTF-8 with LF line ends; the file itself if it already has that form."""
    if encoding == "utf-8" and not cr:
        return file
    return io.BufferedReader(_Recoding(file, encoding, cr=cr), _CHUNK)


class _Recoding(io.RawIOBase):
    def __init__(self, file: BinaryIO, encoding: str, *, cr: bool) -> None:
        super().__init__()
        self._file, self._cr = file, cr
        self._decoder = codecs.getincrementaldecoder(encoding)(errors=_NOT_TEXT)
        self._held = ""
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        while not self._ready:
            raw = self._file.read(_CHUNK)
            text = self._decoder.decode(raw, final=not raw)
            if self._cr:
                text = self._with_lf(text, last=not raw)
            self._ready = memoryview(text.encode("utf-8", "surrogateescape"))
            if not raw:
                break
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _with_lf(self, text: str, *, last: bool) -> str:
        """A CR at the end waits for the next byte."""
        text = self._held + text
        self._held = "" if last else text[len(text.rstrip("\r")) :][-2:]
        return _CR.sub("\n", text.removesuffix(self._held) if self._held else text)
