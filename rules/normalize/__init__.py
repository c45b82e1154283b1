"""Normalisation: an identifier becomes the same key in every way that a person may write it (invariant I22)."""

from rules.normalize.email import EmailReason, normalize_email
from rules.normalize.normalizer import DeclarationReason, Normalizer
from rules.normalize.opaque import OpaqueReason, normalize_opaque
from rules.normalize.phone import PhoneReason, normalize_phone

__all__ = [
    "DeclarationReason",
    "EmailReason",
    "Normalizer",
    "OpaqueReason",
    "PhoneReason",
    "normalize_email",
    "normalize_opaque",
    "normalize_phone",
]
