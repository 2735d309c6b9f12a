"""Policies for face verification results, over any table with the Arrow PyCapsule interface.

    policy = cloudauth.Policy.load("builtin:onboarding")
    decisions = policy.decide(pandas.read_parquet("history.parquet"))

Every error is a `cloudauth.Error`.
"""

from cloudauth._cloudauth import (
    Analysis,
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
