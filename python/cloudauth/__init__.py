"""Policies for face verification results, over any table with the Arrow PyCapsule interface.

    policy = cloudauth.Policy.load("builtin:onboarding")
    decisions = policy.decide(pandas.read_parquet("history.parquet"))

Errors of policies and data are a `cloudauth.Error`. An argument of a wrong type is a `TypeError`.
"""

from cloudauth._cloudauth import (
    Analysis,
    Chart,
    DataError,
    Decisions,
    Error,
    Policy,
    PolicyError,
    Table,
    __version__,
    calibrate,
    compare,
    replay,
    sweep,
)

__all__ = [
    "Analysis",
    "Chart",
    "DataError",
    "Decisions",
    "Error",
    "Policy",
    "PolicyError",
    "Table",
    "__version__",
    "calibrate",
    "compare",
    "replay",
    "sweep",
]
