"""The gateway's own normalisation under the default rule set. Run as `python -m
gateway.bench.normalise_rules`."""

from gateway.bench.corpus import main
from rules.normalize import Normalizer
from rules.rulefile import describe, parse, preset


def normalizer() -> Normalizer:
    parsed = parse(preset("email-or-mobile"))
    if isinstance(parsed, tuple):
        raise SystemExit(describe(parsed))
    return Normalizer(parsed)


if __name__ == "__main__":
    normalize = normalizer().normalize
    main(lambda raw: normalize("mobile", raw).value, lambda raw: normalize("email", raw).value)
