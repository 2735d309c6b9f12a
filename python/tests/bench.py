"""Times `Policy.decide`, the same policy written by hand with pandas and NumPy, and the command: `bench.py ROWS`.

The module and the hand-written policy give the same rule for each row, or this fails. `CLOUDAUTH` names the command; by default it
is that of the wheel. Linux.
"""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet

import cloudauth
from test_memory import peak_growth

POLICY = "builtin:onboarding"
TURNS = 5
Work = Callable[[], Any]


def history(rows: int) -> pa.Table:
    dice = np.random.default_rng(7)

    def texts(values: list[Any], shares: list[float]) -> pa.Array:
        return pa.array(np.array(values, dtype=object)[dice.choice(len(values), rows, p=shares)], pa.string())

    score = np.clip(dice.normal(84, 9, rows), 0, 99.99)
    return pa.table(
        {
            "sub_code": texts(["200", "201", "204", "205", "210", None], [0.8, 0.02, 0.15, 0.01, 0.01, 0.01]),
            "passed": texts(["T", "F", None], [0.82, 0.17, 0.01]),
            "face_attack": texts(["F", "T"], [0.99, 0.01]),
            "face_occlusion": texts(["F", "T"], [0.99, 0.01]),
            "verify_score": pa.array(score, mask=dice.random(rows) < 0.02),
            "quality_score": 60 + 40 * dice.random(rows),
            "face_attack_score": 0.3 * dice.random(rows) ** 4,
        }
    )


def by_hand(frame: pd.DataFrame) -> "np.ndarray[Any, Any]":
    """The number of the first rule of the policy whose conditions hold."""
    code, passed = frame["sub_code"], frame["passed"]
    attack, occluded = frame["face_attack"], frame["face_occlusion"]
    score, quality, attack_score = frame["verify_score"], frame["quality_score"], frame["face_attack_score"]
    is_match, is_mismatch = code.isin(["200", "210"]), code == "204"
    is_valid = score.between(0, 100)
    valid_quality, valid_attack_score = quality.between(0, 100), attack_score.between(0, 1)
    vendor_pass = is_match & (passed == "T")
    known = ["200", "201", "202", "203", "204", "205", "206", "210"]
    rules = [
        attack == "T",
        valid_attack_score & (attack_score >= 0.9),
        code == "205",
        code == "201",
        code.isin(["202", "203"]),
        code == "206",
        occluded == "T",
        vendor_pass & (attack == "F") & (occluded == "F") & valid_attack_score & (attack_score < 0.5) & is_valid & (score >= 75),
        vendor_pass & is_valid & (score >= 70),
        vendor_pass & is_valid & (score < 70),
        is_mismatch & is_valid & (score >= 60) & valid_quality & (quality < 80),
        is_mismatch & is_valid & (score >= 70),
        is_mismatch & is_valid,
        is_match & (passed != "T"),
        ~code.isin(known),
        ~is_valid,
    ]
    conditions = [rule.fillna(False).to_numpy(dtype=bool) for rule in rules]
    return np.select(conditions, list(range(len(rules))), default=len(rules))


def best(turns: int, works: dict[str, Work]) -> tuple[dict[str, tuple[float, float]], dict[str, Any]]:
    """The least user CPU time of each, its children included, the least time on a clock, and its result. All take a turn before
    any takes the next."""

    def used() -> float:
        return sum(resource.getrusage(who).ru_utime for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))

    times: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    results: dict[str, Any] = {}
    for _ in range(turns):
        for name, work in works.items():
            results.pop(name, None)
            cpu, clock = used(), time.perf_counter()
            results[name] = work()
            times[name].append((used() - cpu, time.perf_counter() - clock))
    least = {name: (min(cpu for cpu, _ in taken), min(clock for _, clock in taken)) for name, taken in times.items()}
    for name, (cpu, clock) in least.items():
        print(f"{name:<44} {cpu:8.3f} s of CPU time {clock:8.3f} s on a clock", flush=True)
    return least, results


def main() -> None:
    rows = int(sys.argv[1])
    folder = Path(os.environ["DATA"])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"history-{rows}.parquet"
    if not path.exists():
        pyarrow.parquet.write_table(history(rows), path)
    table = pyarrow.parquet.read_table(path).combine_chunks()
    frame = table.to_pandas()
    policy = cloudauth.Policy.load(POLICY)
    program = os.environ.get("CLOUDAUTH", str(Path(sys.executable).with_name("cloudauth")))
    replay = [program, "lab", "replay", POLICY, str(path)]
    print(f"{rows} rows, {table.nbytes / 1e6:.0f} MB, {os.cpu_count()} cores, {TURNS} turns")
    print(f"pandas {pd.__version__}, NumPy {np.__version__}, PyArrow {pa.__version__}, Polars {pl.__version__}")
    policy.decide(table.slice(0, 50_000))
    growth = peak_growth(lambda: policy.decide(table))
    print(f"memory grows by {growth / 1e6:.0f} MB while a table is decided: {growth / rows:.1f} bytes a row")
    arrow, one = "Policy.decide(PyArrow table)", "Policy.decide(PyArrow table), one thread"
    hand, command = "pandas and NumPy by hand", "the command, reading the Parquet file"
    took, results = best(
        TURNS,
        {
            arrow: lambda: policy.decide(table),
            one: lambda: policy.decide(table, threads=1),
            "Policy.decide(pandas frame)": lambda: policy.decide(frame),
            "Policy.decide(Polars frame)": lambda: policy.decide(pl.DataFrame(table)),
            "Policy.decide(Parquet file)": lambda: policy.decide(path),
            hand: lambda: by_hand(frame),
            command: lambda: subprocess.run(replay, check=True, capture_output=True),
        },
    )
    names = [rule["rule"] for rule in policy.check()["rules"]]
    decided = pa.table(results[arrow])["rule"].combine_chunks()
    places = np.array([names.index(name) for name in decided.dictionary.to_pylist()])
    if not np.array_equal(places[decided.indices.to_numpy()], results[hand]):
        sys.exit("the module and the policy by hand decide rows differently")
    for kind, place in (("CPU time", 0), ("time on a clock", 1)):
        by_hand_takes, command_takes = (took[other][place] / took[arrow][place] for other in (hand, command))
        print(f"by hand takes {by_hand_takes:.1f} times the {kind} of decide, the command {command_takes:.1f} times")


if __name__ == "__main__":
    main()
