"""Times `Policy.decide`, the same policy written by hand with pandas and NumPy, and the command: `bench.py ROWS`.

The three give the same rule for each row, or this fails. Times are the best of three on a clock, all threads.
"""

import os
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

POLICY = "builtin:onboarding"


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


def best(name: str, work: Callable[[], Any]) -> tuple[float, Any]:
    times = []
    for _ in range(3):
        start = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - start)
    print(f"{name:<44} {min(times):8.3f} s", flush=True)
    return min(times), result


def main() -> None:
    rows = int(sys.argv[1])
    folder = Path(os.environ["DATA"])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"history-{rows}.parquet"
    if not path.exists():
        pyarrow.parquet.write_table(history(rows), path)
    table = pyarrow.parquet.read_table(path)
    frame, polars = table.to_pandas(), pl.DataFrame(table)
    policy = cloudauth.Policy.load(POLICY)
    print(f"{rows} rows, {table.nbytes / 1e6:.0f} MB, {os.cpu_count()} cores, pandas {pd.__version__}, NumPy {np.__version__}")
    took, decisions = best("Policy.decide(PyArrow table)", lambda: policy.decide(table))
    best("Policy.decide(pandas frame)", lambda: policy.decide(frame))
    best("Policy.decide(Polars frame)", lambda: policy.decide(polars))
    best("Policy.decide(Parquet file)", lambda: policy.decide(path))
    hand, rules = best("pandas and NumPy by hand", lambda: by_hand(frame))
    program = Path(sys.executable).with_name("cloudauth")
    replay = [str(program), "lab", "replay", POLICY, str(path)]
    command, _ = best("the command, reading the Parquet file", lambda: subprocess.run(replay, check=True, capture_output=True))
    names = [rule["rule"] for rule in policy.check()["rules"]]
    decided = pa.table(decisions)["rule"].combine_chunks()
    places = np.array([names.index(name) for name in decided.dictionary.to_pylist()])
    if not np.array_equal(places[decided.indices.to_numpy()], rules):
        sys.exit("the module and the policy by hand decide rows differently")
    print(f"by hand takes {hand / took:.1f} times as long as decide, the command {command / took:.1f} times")


if __name__ == "__main__":
    main()
