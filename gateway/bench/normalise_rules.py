"""The gateway's own normalisation under the default rule set. Run as `python -m
gateway.bench.normalise_rules`."""

from gateway.bench.corpus import main
from rules.language.parse import parse, preset
from rules.language.problems import describe
from rules.normalize import Normalizer
from rules.ruleset import RuleSet


def default_rules() -> RuleSet:
    parsed = parse(preset("email-or-mobile"))
    if isinstance(parsed, tuple):
        raise SystemExit(describe(parsed))
    return parsed


def normalizer() -> Normalizer:
    return Normalizer(default_rules())


if __name__ == "__main__":
    normalize = normalizer().normalize
    main(lambda raw: normalize("mobile", raw).value, lambda raw: normalize("email", raw).value)
