"""`Policy.decide` gives each row the decision of the command, with each library that holds the table."""

import csv
import json
from pathlib import Path
from typing import Any, Callable

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import cloudauth

NAMES = ["verdict", "rule", "reason", "hint", "queue"]


def listed(decisions: cloudauth.Decisions) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pa.table(decisions).to_pylist()
    return rows


@pytest.fixture(scope="module")
def policy() -> cloudauth.Policy:
    return cloudauth.Policy.load("builtin:onboarding")


@pytest.fixture(scope="module")
def expected(command: Any, parquet: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The file of decisions that the command writes."""
    path = tmp_path_factory.mktemp("decisions") / "decisions.csv"
    ran = command("lab", "replay", "builtin:onboarding", parquet, "--decisions", path)
    assert ran.returncode == 0, ran.stderr
    with path.open(newline="") as file:
        return [{name: row[name] or None for name in NAMES} for row in csv.DictReader(file)]


def dictionaries(table: pa.Table) -> pa.Table:
    """Each string column as a dictionary, with the narrowest keys that hold it."""
    columns = []
    for name in table.column_names:
        column = table[name]
        if pa.types.is_string(column.type):
            column = column.dictionary_encode()
            keys = pa.int8() if name in ("passed", "label") else pa.uint32()
            column = column.cast(pa.dictionary(keys, pa.large_string()))
        columns.append(column)
    return pa.table(columns, names=table.column_names)


def typed(table: pa.Table, text: pa.DataType) -> pa.Table:
    kinds = [pa.field(f.name, text if pa.types.is_string(f.type) else f.type) for f in table.schema]
    return table.cast(pa.schema(kinds))


SOURCES: dict[str, Callable[[pa.Table], Any]] = {
    "pyarrow table": lambda table: table,
    "pyarrow reader": lambda table: table.to_reader(max_chunksize=1000),
    "pyarrow batch": lambda table: table.combine_chunks().to_batches()[0],
    "pyarrow slice": lambda table: pa.concat_tables([table.slice(0, 77), table.slice(77)]),
    "large strings": lambda table: typed(table, pa.large_string()),
    "string views": lambda table: typed(table, pa.string_view()),
    "dictionaries": dictionaries,
    "pandas": lambda table: table.to_pandas(),
    "pandas with Arrow types": lambda table: table.to_pandas(types_mapper=pd.ArrowDtype),
    "pandas categories": lambda table: table.to_pandas().astype({"sub_code": "category", "passed": "category"}),
    "polars": lambda table: pl.DataFrame(table),
    "polars categories": lambda table: pl.DataFrame(table).with_columns(pl.col("sub_code", "passed").cast(pl.Categorical)),
    "duckdb": lambda table: duckdb.from_arrow(table),
}


@pytest.mark.parametrize("source", SOURCES)
def test_each_library_gives_the_decisions_of_the_command(
    source: str, policy: cloudauth.Policy, table: pa.Table, expected: list[dict[str, Any]]
) -> None:
    decisions = policy.decide(SOURCES[source](table))
    assert listed(decisions) == expected


def test_a_file_is_decided_as_its_table(policy: cloudauth.Policy, parquet: Path, expected: list[dict[str, Any]]) -> None:
    assert listed(policy.decide(parquet)) == expected


@pytest.mark.parametrize("threads", [1, 3])
def test_the_order_is_that_of_the_rows_on_any_number_of_threads(
    threads: int, policy: cloudauth.Policy, table: pa.Table, expected: list[dict[str, Any]]
) -> None:
    many = pa.concat_tables([table] * 4)
    assert listed(policy.decide(many, threads=threads)) == expected * 4


def test_the_counts_and_issues_are_those_of_replay(
    policy: cloudauth.Policy, table: pa.Table, parquet: Path, document: Any
) -> None:
    decisions = policy.decide(table)
    replay = document("lab", "replay", "builtin:onboarding", parquet)
    assert decisions.counts == {verdict: rows["all"] for verdict, rows in replay["verdicts"].items()}
    assert sum(decisions.counts.values()) == len(decisions) == table.num_rows
    assert decisions.issues == replay["issues"] != []


def test_pandas_polars_and_duckdb_read_the_decisions(
    policy: cloudauth.Policy, table: pa.Table, expected: list[dict[str, Any]]
) -> None:
    decisions = policy.decide(table)
    verdicts = [row["verdict"] for row in expected]
    hints = [row["hint"] for row in expected]
    frame = pd.DataFrame.from_arrow(decisions)
    assert list(frame["verdict"]) == verdicts
    assert [None if pd.isna(hint) else hint for hint in frame["hint"]] == hints
    polars = pl.DataFrame(decisions)
    assert polars["verdict"].cast(pl.String).to_list() == verdicts
    assert polars["hint"].cast(pl.String).to_list() == hints
    counted = duckdb.from_arrow(pa.table(decisions)).aggregate("verdict, count(*)").fetchall()
    assert dict(counted) == {verdict: n for verdict, n in decisions.counts.items() if n}


def test_a_missing_or_malformed_value_is_never_approved(policy: cloudauth.Policy) -> None:
    approved = {
        "sub_code": "200", "passed": "T", "face_attack": "F", "face_occlusion": "F",
        "verify_score": 90.0, "quality_score": 90.0, "face_attack_score": 0.001,
    }
    assert policy.explain(approved)["decision"] == "approve"
    assert listed(policy.decide(pa.Table.from_pylist([approved])))[0]["verdict"] == "approve"
    bad = [dict(approved, **{name: value}) for name in ("sub_code", "passed", "face_attack", "face_occlusion") for value in (None, "", "x")]
    bad += [dict(approved, verify_score=score) for score in (None, float("nan"), float("inf"), -1.0, 1e300)]
    for row, decided in zip(bad, listed(policy.decide(pa.Table.from_pylist(bad)))):
        assert decided["verdict"] != "approve", row
        assert policy.explain(row)["rule"] == decided["rule"]


def test_no_rows_give_no_decisions(policy: cloudauth.Policy, table: pa.Table) -> None:
    decisions = policy.decide(table.slice(0, 0))
    assert len(decisions) == 0
    assert pa.table(decisions).column_names == NAMES


def test_a_row_is_explained_as_by_the_command(
    policy: cloudauth.Policy, table: pa.Table, command: Any, tmp_path: Path
) -> None:
    row = {name: value for name, value in table.to_pylist()[3].items() if name != "channel"}
    path = tmp_path / "row.json"
    path.write_text(json.dumps(row))
    ran = command("--output", "json", "policy", "explain", "builtin:onboarding", "--evidence", path)
    explained = policy.explain(row)
    assert explained == json.loads(ran.stdout)
    series = pd.DataFrame.from_arrow(table).iloc[3]
    assert policy.explain(series)["rule"] == explained["rule"]
