"""Try an engine that speaks PostgreSQL's protocol: does it keep what the gateway relies on?"""

from gateway.probe.probe import TRIALS, Findings, RaceResult, Unusable, probe

__all__ = ["TRIALS", "Findings", "RaceResult", "Unusable", "probe"]
