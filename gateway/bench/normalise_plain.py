"""The reference for normalisation: the libraries, called as their manuals say. Run as `python -m
gateway.bench.normalise_plain`."""

import phonenumbers
from email_validator import validate_email
from phonenumbers import PhoneNumberFormat

from gateway.bench.corpus import main


def mobile(raw: str) -> str:
    number = phonenumbers.parse(raw)
    valid = phonenumbers.is_valid_number(number)
    return phonenumbers.format_number(number, PhoneNumberFormat.E164) if valid else ""


def email(raw: str) -> str:
    return validate_email(raw, check_deliverability=False).normalized


if __name__ == "__main__":
    main(mobile, email)
