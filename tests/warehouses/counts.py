"""Writes the counts of the lab's query on a real engine, for the example `counts`: `counts.py FOLDER ENGINE`."""

import csv
import json
import sys
import time
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from engines import ENGINES

KINDS = {
    "text": (pa.string(), str),
    "double": (pa.float64(), float),
    "float": (pa.float32(), float),
    "date": (pa.date32(), date.fromisoformat),
    "timestamp": (pa.timestamp("us"), datetime.fromisoformat),
    "instant": (pa.timestamp("us", tz="UTC"), datetime.fromisoformat),
}
COLUMNS = "part policy candidate rule candidate_rule verdict candidate_verdict label name value hundredth row_count".split()


def table(folder, case):
    """The rows, made once for all engines. What JSON has as a text in a column of numbers is NaN or infinite."""
    at = Path(folder, case["folder"])
    if not (at / "rows.parquet").exists():
        columns = {one["column"]: [] for one in case["columns"]}
        with open(at / "rows.jsonl") as lines:
            for line in lines:
                row = json.loads(line)
                for name, values in columns.items():
                    values.append(row[name])
        made = {}
        for one in case["columns"]:
            kind, read = KINDS[one["kind"]]
            values = [None if value is None else read(value) for value in columns[one["column"]]]
            # Not by way of pandas, so that NaN stays NaN and is not taken for NULL.
            made[one["column"]] = pa.array(values, kind, from_pandas=False)
        pq.write_table(pa.table(made), at / "rows.parquet")
    return pq.read_table(at / "rows.parquet")


def run(folder, name):
    engine = ENGINES[name](folder)
    told = []
    for case in json.loads(Path(folder, "cases.json").read_text()):
        engine.load(table(folder, case))
        started = time.monotonic()
        found = engine.ask(case["sql"][name])
        took = time.monotonic() - started
        with open(Path(folder, case["folder"], f"{name}.csv"), "w", newline="") as file:
            to = csv.writer(file)
            to.writerow(COLUMNS)
            to.writerows(found)
        told.append(f"{case['rows']:,} rows of {case['folder']} into {len(found):,} in {took:.2f} s")
    print(f"{engine.name}: {'; '.join(told)}", flush=True)


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2])
