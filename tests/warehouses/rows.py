"""The rows that the policy crate's example `warehouses` wrote, as Arrow tables."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa


def cases(folder):
    return json.loads(Path(folder, "cases.json").read_text())


def table(folder, case):
    """A table: the row's number, the expected rule, and a column for each input."""
    at = Path(folder, case["folder"])
    rows = case["rows"]
    columns = {
        "number": pa.array(np.arange(rows, dtype=np.int64)),
        "expected": pa.array(np.fromfile(at / "expected", dtype=np.uint8).astype(np.int32)),
    }
    for one in case["inputs"]:
        columns[one["column"]] = column(at / one["name"], one["dictionary"], case["stored"])
    made = pa.table(columns)
    assert made.num_rows == rows, f"{at}: {made.num_rows} rows, not {rows}"
    return made


def column(file, dictionary, stored):
    if dictionary is not None:
        numbers = np.fromfile(file, dtype=np.uint8)
        indices = pa.array(numbers, mask=numbers == 255)
        return pa.DictionaryArray.from_arrays(indices, pa.array(dictionary)).cast(pa.string())
    if stored == "text":
        return pa.array(json.loads(file.read_text()), type=pa.string())
    numbers = np.fromfile(file, dtype="<f8")
    missing = np.fromfile(f"{file}.there", dtype=np.uint8) == 0
    # From numpy, so that NaN stays NaN and is not taken for NULL.
    return pa.array(numbers.astype(np.float32 if stored == "float" else np.float64), mask=missing, from_pandas=False)
