"""The first lines of the README give each row of a frame its own verdict with every index: sorted, filtered, named, repeated."""

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

import cloudauth

README = Path(__file__).parents[1] / "README.md"


def first_lines() -> str:
    found = re.search(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return found[1]


def test_the_first_lines_are_these() -> None:
    assert first_lines().splitlines() == [
        "import cloudauth, pandas, pyarrow",
        "",
        'rows = pandas.read_parquet("history.parquet")',
        'decisions = cloudauth.Policy.load("builtin:onboarding").decide(rows)',
        'rows["verdict"] = pyarrow.table(decisions)["verdict"].to_pandas().array',
    ]


@pytest.mark.parametrize("kind", ["shuffled", "filtered", "by id", "all alike"])
def test_the_first_lines_decide_each_row_of_a_frame(
    kind: str, table: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = table.to_pandas()
    changed = {
        "shuffled": lambda: frame.sample(frac=1, random_state=7),
        "filtered": lambda: frame[frame["channel"] == "app"],
        "by id": lambda: frame.set_index("id"),
        "all alike": lambda: frame.set_index(frame["passed"].isna()),
    }[kind]()
    changed.to_parquet(tmp_path / "history.parquet")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(first_lines(), names)
    rows = names["rows"]
    assert list(rows.index) == list(changed.index)
    policy = cloudauth.Policy.load("builtin:onboarding")
    expected = [policy.explain(row)["decision"] for row in rows.head(500).to_dict("records")]
    assert list(rows["verdict"].head(500)) == expected
    assert len(set(expected)) == 4


def test_decisions_as_a_frame_have_the_index_of_the_rows(table: pa.Table) -> None:
    frame = table.to_pandas().sample(frac=1, random_state=7)
    decisions = cloudauth.Policy.load("builtin:onboarding").decide(frame)
    decided = pa.table(decisions).to_pandas().set_index(frame.index)
    joined = frame.join(decided)
    assert isinstance(joined, pd.DataFrame)
    assert list(joined["rule"]) == pa.table(decisions)["rule"].to_pylist()
