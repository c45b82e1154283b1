"""The numbered steps of the schema."""

from gateway.store.migrations import all_migrations


def test_no_two_steps_have_one_number() -> None:
    versions = [step.version for step in all_migrations()]
    assert len(versions) == len(set(versions))
