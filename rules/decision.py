"""Decisions: what the rules decide about one request, always with the trace that led there."""

from typing import Literal, NamedTuple

from rules.identifier import Evidence, Identifier

Outcome = Literal["created", "attached", "merged", "review", "refused"]


class Step(NamedTuple):
    """One line of a trace. `what` names the thing that was evaluated (`rule:email`, `guard:max_records`, `policy:review` …),
    against which profile (None: the request itself), with the result. `detail` holds types, counts and names, never an
    identifier's value."""

    what: str
    profile_id: int | None
    result: str
    detail: str = ""


class ReviewProposal(NamedTuple):
    """An open question for a person: are these two profiles one customer? `profile_b` None stands for the request's own (maybe
    new) profile. `reason` is a stable code, for example `conflict:max_per_profile:mobile`, `rule:provider-form`."""

    profile_a: int
    profile_b: int | None
    reason: str
    rule: str
    types: tuple[str, ...]


class Decision(NamedTuple):
    """What to do with one request. It may be applied twice: the second time changes nothing.

    `outcome`: `created` a new profile, because nothing matched; `attached` the record joins or stays on one
    profile; `merged` two or more profiles become one; `review` a person is asked and the record stays on
    (or gets) its own profile; `refused` the same, but no person is asked.

    `reason` is one of `known` (the request said nothing new), `new`, `same_profile`, `rule:<name>`,
    `pin:must`, `ambiguous` and `conflict:<guard>`; `rule` names the rule that decided, if one did. A
    `guard` is `cannot`, `never:<rule>`, `max_profiles_at_once`, `max_records`, `ids_per_profile:<id
    space>`, `max_per_profile:<type>` or `protect_balance_over`. `warnings` are `limit:<type>` (a value was
    stored, but is not used for matching), `dropped:<type>`, `moved:<type>`, `ambiguous` and
    `conflict:<guard>`.

    `profile_id` is the profile that the record ends on; None means a new one. `absorbed` are the other
    members of a merge, in the order in which they are absorbed. `evidence` is what to store on the record.

    `own` are the keys that become the profile's. `taken` are the keys that move here from another profile
    under `move_to_newest`; the observations of their old holders are retired. `dropped` are the profile's
    own keys that make room for newer ones: they lose their owner, and their observations on this profile
    are retired. `generic` and `shared` are the keys that become generic or shared with this request and
    lose their owner. Keys of absorbed profiles follow the merge and are not listed.

    `enforced` is False in shadow mode: `outcome`, `profile_id`, `absorbed`, `taken`, `dropped` and
    `reviews` then say what enforcing would do. The caller leaves the record on its own profile (maybe a
    new one) and applies `evidence`, `own`, `generic` and `shared` there.
    """

    outcome: Outcome
    profile_id: int | None
    absorbed: tuple[int, ...] = ()
    rule: str = ""
    reason: str = ""
    evidence: tuple[Evidence, ...] = ()
    own: tuple[Identifier, ...] = ()
    taken: tuple[tuple[Identifier, int], ...] = ()
    dropped: tuple[Identifier, ...] = ()
    generic: tuple[Identifier, ...] = ()
    shared: tuple[Identifier, ...] = ()
    reviews: tuple[ReviewProposal, ...] = ()
    trace: tuple[Step, ...] = ()
    warnings: tuple[str, ...] = ()
    enforced: bool = True
