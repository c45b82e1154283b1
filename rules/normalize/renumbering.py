"""Mobile numbers of former numbering plans, and the forms that only mobiles in Argentina have.

A row is used only if the old form is not a valid number today and the new one is a valid mobile number. So a row may be wider
than the old plan was: the metadata of `phonenumbers` decides what exists. A country is listed only if the regulator's rule
gives exactly one new number for an old one, and a source confirms it.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple


class Change(NamedTuple):
    """`old` matches the whole national number (without trunk prefix); `new` is its replacement."""

    calling_code: int
    since: str
    old: str
    new: str


CHANGES = (
    # Greece: a 6 before mobile numbers; 96 and 90 were no mobiles. wtng.info/wtng-30-gr.html; ekathimerini.com/news/237.
    Change(30, "2002-10-01", r"9[345789]\d{7}", r"6\g<0>"),
    # Mexico: the 1 after the country code and the prefixes 044 and 045 went. libphonenumber, migrator/src/data/recipes.csv.
    Change(52, "2019-08-03", r"(?:1|0?4[45])([2-9]\d{9})", r"\1"),
    # Brazil: a 9 before mobile numbers, area by area from 2012-07-29. Anatel, Resolução 553/2010; ITU, 6.II.2013.
    Change(55, "2016-11-06", r"([1-9]{2})([6-9]\d{7})", r"\g<1>9\2"),
    # Chile: a 9 before mobile numbers. SUBTEL. Area codes began with 2 to 7 then, so 8 and 9 are certain.
    Change(56, "2016-02-06", r"9?([89]\d{7})", r"9\1"),
    # Thailand: an 8 after the trunk prefix. NTC; wtng.info/wtng-66-th.html. Area codes began with 2 to 5 and 7.
    Change(66, "2006-09-01", r"[1689]\d{7}", r"8\g<0>"),
    # Vietnam: eleven digits became ten. libphonenumber, migrator/src/data/recipes.csv.
    Change(84, "2018-09-15", r"16([2-9]\d{7})", r"3\1"),
    Change(84, "2018-09-15", r"12([068]\d{7})", r"7\1"),
    Change(84, "2018-09-15", r"121(\d{7})", r"79\1"),
    Change(84, "2018-09-15", r"122(\d{7})", r"77\1"),
    Change(84, "2018-09-15", r"12([345]\d{7})", r"8\1"),
    Change(84, "2018-09-15", r"127(\d{7})", r"81\1"),
    Change(84, "2018-09-15", r"129(\d{7})", r"82\1"),
    Change(84, "2018-09-15", r"18([68]\d{7})", r"5\1"),
    Change(84, "2018-09-15", r"199(\d{7})", r"59\1"),
    # Egypt: a digit of the operator after the 1. NTRA, announcement of 2011-09-27.
    Change(20, "2011-10-06", r"1([069]\d{7})", r"10\1"),
    Change(20, "2011-10-06", r"1([14]\d{7})", r"11\1"),
    Change(20, "2011-10-06", r"1([278]\d{7})", r"12\1"),
    # Morocco: a 6 before mobile numbers. ANRT; ITU, 12.VII.2006. 4 and 5 were area codes until 2006, so they stay out.
    Change(212, "2009-03-07", r"[167]\d{7}", r"6\g<0>"),
    # Algeria: the operator's digit twice. ARPT; ITU, 17.XII.2007.
    Change(213, "2008-02-22", r"([567])\d{7}", r"\1\g<0>"),
    # Ivory Coast: the operator's 07, 05 or 01; the second digit named the operator. ARTCI; the pairs are those of the library
    # ouattararomuald/numbering-plan. Landlines began with 2 and 3.
    Change(225, "2021-01-31", r"[04-9][789]\d{6}", r"07\g<0>"),
    Change(225, "2021-01-31", r"[04-9][456]\d{6}", r"05\g<0>"),
    Change(225, "2021-01-31", r"[04-9][0-3]\d{6}", r"01\g<0>"),
    # Benin: 01 before every number. ARCEP Bénin.
    Change(229, "2024-11-30", r"[4-9]\d{7}", r"01\g<0>"),
    # Mauritius: a 5 before mobile numbers; those of landlines stayed as they were. ICTA, decision of 2013-02-11.
    Change(230, "2013-09-01", r"[24789]\d{6}", r"5\g<0>"),
    # Cameroon: a 6 before mobile numbers. ART. Landlines began with 2 and 3.
    Change(237, "2014-11-21", r"[5-9]\d{7}", r"6\g<0>"),
    # Equatorial Guinea: six digits became nine. ORTEL; ITU, 4.V.2010; wtng.info/wtng-240-gq.html.
    Change(240, "2010-04-09", r"[25]\d{5}", r"222\g<0>"),
    # Cape Verde: a 9 before mobile numbers. alchetron.com/Telephone-numbers-in-Cape-Verde. Landlines then began with 2 to 8.
    Change(238, "2004-07-03", r"9\d{5}", r"9\g<0>"),
    # Seychelles: a 2 before mobile numbers. wtng.info/wtng-248-sc.html.
    Change(248, "2011-05-04", r"[57]\d{5}", r"2\g<0>"),
    # Eswatini: a 7 before mobile numbers, which began with 6. SPTC; ITU, 30.IX.2010.
    Change(268, "2010-03-01", r"6\d{6}", r"7\g<0>"),
    # Luxembourg: a 6 for the 0 of mobile codes, which many left out from abroad. ILR; wtng.info/wtng-352-lu.html.
    Change(352, "2006-09-01", r"[269]1\d{6}", r"6\g<0>"),
    # Cyprus: 99 for the mobile code 09. wtng.info/wtng-357-cy.html.
    Change(357, "2001-12-01", r"9\d{6}", r"9\g<0>"),
    # Latvia: a 2 before mobile numbers, which began with 64, 65 and 9 (ITU, 30.X.2000). wtng.info/wtng-371-lv.html.
    Change(371, "2006-05-01", r"(?:6[45]|9\d)\d{5}", r"2\g<0>"),
    # Costa Rica: an 8 before mobile numbers, which began with 3, 8 and 9. ICE.
    Change(506, "2008-03-20", r"[389]\d{6}", r"8\g<0>"),
    # Ecuador: a 9 before mobile numbers. CONATEL. Area codes begin with 2 to 7.
    Change(593, "2012-09-30", r"[89]\d{7}", r"9\g<0>"),
    # Timor-Leste: a 7 before mobile numbers. ITU, 27.III.2013.
    Change(670, "2013-01-01", r"7\d{6}", r"7\g<0>"),
    # Qatar: the first digit twice; 4 is for landlines. ictQATAR, announcement of 2010-03-28.
    Change(974, "2010-07-28", r"([3567])\d{6}", r"\1\g<0>"),
    # Georgia: a 5 before the codes of mobile operators; 90 and 79 were fixed wireless. GNCC; ITU, 22.XII.2010.
    Change(995, "2011-06-20", r"(?:5\d|77|9[1-9])\d{6}", r"5\g<0>"),
)

_NATIONAL_MOBILE_AR = re.compile(r"\+54([1-9]\d{9})")
_NO_AREA_AR = re.compile(r"15\d{6,8}")
_MARKED_TWICE_AR = re.compile(r"9?0?(11|[23]\d{2,3})15(\d{6,8})")
_WITH_TRUNK_ZERO_AR = re.compile(r"90(\d{10})")


def _by_code() -> dict[int, list[tuple[re.Pattern[str], str]]]:
    rows: dict[int, list[tuple[re.Pattern[str], str]]] = defaultdict(list)
    for change in CHANGES:
        rows[change.calling_code].append((re.compile(change.old), change.new))
    return dict(rows)


_ROWS = _by_code()


def renumbered(calling_code: int, national: str) -> Iterator[str]:
    """The forms in E.164 that a number of a former plan may have today, and an Argentine mobile with the marks for calls from
    abroad (9) and from home (0, 15) at once.

    The library leaves the trunk prefix on a number that is too short for today's plan.
    """
    for old, new in _ROWS.get(calling_code, ()):
        if found := old.fullmatch(national) or old.fullmatch(national.removeprefix("0")):
            yield f"+{calling_code}{found.expand(new)}"
    if calling_code == 54 and (
        found := _MARKED_TWICE_AR.fullmatch(national) or _WITH_TRUNK_ZERO_AR.fullmatch(national)
    ):
        yield f"+549{''.join(found.groups())}"


def with_mobile_mark(value: str) -> str:
    """`+54 9 11 …` for `+54 11 …`: the same subscriber, called from abroad as a mobile; `""` for numbers of other countries."""
    found = _NATIONAL_MOBILE_AR.fullmatch(value)
    return f"+549{found[1]}" if found else ""


def lacks_area_code(calling_code: int, national: str) -> bool:
    """Argentina's `15 2345 6789`, which means a number only within one area."""
    return calling_code == 54 and _NO_AREA_AR.fullmatch(national) is not None
