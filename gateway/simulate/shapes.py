"""What kinds of shops there are: how their customers live together, how often they register, what each channel asks and how
carelessly it is written. All numbers are shares of 1 unless they are weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Channel:
    """How often a channel is used (`weight`), how often it has each field, and how many slips of the hand a field has
    (`slips`). `spelled`: the clerk writes names as they sound. `ndjson`: its export is of JSON lines."""

    weight: float
    email: float
    mobile: float
    names: float = 1.0
    birthday: float = 0.5
    address: float = 0.5
    slips: float = 0.02
    spelled: float = 0.1
    ndjson: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """`accounts`: weights of one, two, three … registrations. `households`: weights of one, two … members. `same_mail` and
    `same_mobile`: who gives the contact of the household's first member instead of an own one. `changes`: who gets a new
    address, number or home in the time. `recycled`: which share of new numbers were
    another customer's before."""

    title: str
    channels: Mapping[str, Channel]
    accounts: Sequence[float]
    households: Sequence[float]
    same_mail: float = 0.06
    same_mobile: float = 0.06
    new_mail: float = 0.25
    new_mobile: float = 0.15
    moves: float = 0.15
    recycled: float = 0.3
    placeholders: float = 0.01
    informal: float = 0.08
    regions: Sequence[str] = field(default=("GB", "US", "DE", "EG", "AE", "TR", "GR", "RU", "FR"))


_ALONE = (60, 22, 10, 6, 2)
_FAMILIES = (20, 25, 25, 20, 10)

SHAPES: Mapping[str, Shape] = MappingProxyType(
    {
        "retail": Shape(
            "a retailer with a web shop, an app, tills and a call centre",
            {
                "web": Channel(0.35, 0.95, 0.5, slips=0.1),
                "app": Channel(0.2, 0.9, 0.7, birthday=0.7, address=0.3, slips=0.1, ndjson=True),
                "pos": Channel(0.3, 0.5, 0.75, birthday=0.4, address=0.35, slips=0.17, spelled=0.25),
                "callcenter": Channel(0.15, 0.6, 0.85, address=0.7, slips=0.17, spelled=0.35),
            },
            (50, 25, 13, 7, 3, 2),
            _ALONE,
            same_mail=0.08,
            same_mobile=0.08,
        ),
        "ecommerce": Shape(
            "a web shop with many second accounts and an app",
            {
                "web": Channel(0.7, 0.98, 0.35, birthday=0.3, address=0.9, slips=0.06),
                "app": Channel(0.3, 0.8, 0.4, birthday=0.5, address=0.5, slips=0.06, ndjson=True),
            },
            (34, 28, 18, 11, 6, 3),
            _ALONE,
            same_mail=0.12,
            new_mail=0.6,
        ),
        "crm": Shape(
            "the contacts of a service company, kept by its staff",
            {
                "crm": Channel(0.6, 0.97, 0.9, birthday=0.6, address=0.9, slips=0.012, spelled=0.05),
                "support": Channel(0.4, 0.9, 0.85, birthday=0.3, address=0.4, slips=0.02, spelled=0.1),
            },
            (55, 30, 12, 3),
            _ALONE,
            same_mail=0.04,
            same_mobile=0.04,
            new_mail=0.06,
            new_mobile=0.05,
            recycled=0.15,
            placeholders=0.004,
        ),
        "household": Shape(
            "a family shop: most customers live with others and share what they have",
            {
                "web": Channel(0.4, 0.95, 0.6, birthday=0.8, address=0.9, slips=0.03),
                "pos": Channel(0.6, 0.4, 0.85, birthday=0.7, address=0.6, slips=0.05, spelled=0.2),
            },
            (40, 32, 18, 10),
            _FAMILIES,
            same_mail=0.2,
            same_mobile=0.25,
            new_mail=0.12,
        ),
        "typo-heavy": Shape(
            "an old card index: one list, typed by many hands",
            {
                "cards": Channel(1.0, 0.8, 0.75, birthday=0.9, address=0.9, slips=0.3, spelled=0.3),
            },
            (20, 20, 18, 14, 12, 9, 7),
            (85, 12, 3),
            same_mail=0.03,
            same_mobile=0.03,
            informal=0.15,
        ),
    }
)
