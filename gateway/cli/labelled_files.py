"""Reads files of customers with the persons behind them, with the same columns, kinds and encodings as `gateway import`."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from gateway.cli.columns import Mapped, read_mapping
from gateway.cli.customer_file import CustomerFile, kind_of, opened_sheet
from gateway.cli.failure import MISUSED, Failure
from gateway.cli.headings import CUSTOMER_ID
from gateway.simulate.files import MAPPING, TRUTH
from gateway.simulate.labelled import Labelled

_PERSON, _CHANNEL = "custom.person", "custom.channel"


class Labels(NamedTuple):
    """The operator's words on the files. `person` and `channel` are columns; `truth` is a file that names the persons
    instead."""

    person: str
    channel: str
    truth: Path | None
    region: str
    format: str = ""
    map: Sequence[str] = ()
    mapping: Path | None = None
    encoding: str = ""


def read_labelled(
    places: Sequence[Path], labels: Labels, identifiers: Sequence[str]
) -> tuple[list[Labelled], int]:
    """The rows of all files, and how many lines could not be read. A directory is an invented shop, with its truth and mapping.
    A customer without a person is a person alone."""
    rows: list[Labelled] = []
    unread = 0
    for place in places:
        of_place, files = labels, [place]
        if place.is_dir():
            of_place = labels._replace(truth=place / TRUTH, mapping=place / MAPPING)
        persons = _truth(of_place.truth) if of_place.truth else None
        if place.is_dir():
            files = _files(place, persons or {})
        for file in files:
            for row in _rows(file, of_place, persons, identifiers):
                if row is None:
                    unread += 1
                else:
                    rows.append(row)
    return rows, unread


def _truth(file: Path) -> Mapping[tuple[str, str], str]:
    """The persons by channel and customer id, in the order of the file."""
    said: Mapped = {CUSTOMER_ID: ("customer_id",), _CHANNEL: ("channel",), _PERSON: ("person",)}
    with opened_sheet(CustomerFile(file, kind_of(file, "")[0], "", said), ()) as sheet:
        places = [sheet.assignment.targets.index(name) for name in (_CHANNEL, CUSTOMER_ID, _PERSON)]
        records = [tuple(str(one.values[at]) for at in places) for one in sheet.records if one.values]
    return {(channel, customer_id): person for channel, customer_id, person in records}


def _files(directory: Path, persons: Mapping[tuple[str, str], str]) -> list[Path]:
    """The files of the channels that the truth names, in its order."""
    channels = dict.fromkeys(channel for channel, _ in persons)
    found = [next(iter(sorted(directory.glob(f"{channel}.*"))), None) for channel in channels]
    if missing := [channel for channel, file in zip(channels, found, strict=True) if file is None]:
        raise Failure(
            f"{directory}: {TRUTH} names the channel {missing[0]}, and there is no file of it", MISUSED
        )
    return [file for file in found if file]


def _rows(
    file: Path,
    labels: Labels,
    persons: Mapping[tuple[str, str], str] | None,
    identifiers: Sequence[str],
) -> Iterator[Labelled | None]:
    kind, preset = kind_of(file, labels.format)
    said = read_mapping(labels.map, labels.mapping)
    if persons is None:
        said[_PERSON] = (labels.person,)
    if labels.channel:
        said[_CHANNEL] = (labels.channel,)
    job = CustomerFile(file, kind, file.stem, said, preset=preset, encoding=labels.encoding)
    with opened_sheet(job, identifiers) as sheet:
        targets = sheet.assignment.targets
        for number, found in enumerate(sheet.records):
            if found.values is None:
                yield None
                continue
            shown_values = {name: _text(value) for name, value in zip(targets, found.values, strict=True)}
            filled = {name: text for name, text in shown_values.items() if text.strip()}
            customer_id = filled.pop(CUSTOMER_ID, f"{file.name}:{number}")
            channel = filled.pop(_CHANNEL, file.stem)
            alone = f"{channel}:{customer_id}"
            person = (
                filled.pop(_PERSON, alone) if persons is None else persons.get((channel, customer_id), alone)
            )
            yield Labelled(
                channel,
                customer_id,
                person,
                labels.region,
                {name: filled.pop(name) for name in identifiers if name in filled},
                filled,
            )


def _text(value: object) -> str:
    return "" if value is None else str(value)
