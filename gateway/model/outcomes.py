"""The outcomes of all commands."""

from gateway.model.achievements import (
    Accepted,
    Duplicate,
    Granted,
    KeyReused,
    Replayed,
)
from gateway.model.command import Done, Refused
from gateway.model.customers import Saved
from gateway.model.deliveries import (
    Claimed,
    Stale,
)
from gateway.model.identity import Erased, Identified, UnknownCustomer
from gateway.model.imports import Imported, ImportUndone
from gateway.model.judgements import (
    Explained,
    Shaped,
)
from gateway.model.operators import Listed
from gateway.model.regrouping import Regrouped

Outcome = (
    Accepted
    | Identified
    | Duplicate
    | Replayed
    | KeyReused
    | UnknownCustomer
    | Saved
    | Imported
    | ImportUndone
    | Erased
    | Granted
    | Claimed
    | Stale
    | Done
    | Shaped
    | Explained
    | Regrouped
    | Listed
    | Refused
)
