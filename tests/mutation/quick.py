"""A plugin for the tests of a mutant: properties try the same few cases each time, and stop at the first that fails."""

from hypothesis import Phase, settings

from tests.support.properties import ANY_HEALTH

settings.register_profile(
    "mutation",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=40,
    phases=[Phase.explicit, Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=ANY_HEALTH,
)
settings.load_profile("mutation")
