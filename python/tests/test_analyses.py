"""The analyses have the numbers of the command, from files and from tables."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import cloudauth

POLICY = "builtin:onboarding"


@pytest.fixture(scope="module")
def candidate(command: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The policy with a higher threshold."""
    text = command("policy", "show", "onboarding").stdout
    current = 'value = 75.0, far = "1/10000"'
    assert current in text
    path = tmp_path_factory.mktemp("candidate") / "candidate.toml"
    path.write_text(text.replace(current, "value = 76.0"))
    return path


def analyse(name: str, candidate: Path, data: Any, mapping: Path) -> tuple[cloudauth.Analysis, list[object]]:
    """An analysis, and the arguments of the command for the same one."""
    policy = cloudauth.Policy.load(POLICY)
    if name == "replay":
        return cloudauth.replay(policy, data, mapping=mapping), [name, POLICY]
    if name == "compare":
        other = cloudauth.Policy.load(candidate, allow_failing_examples=True)
        found = cloudauth.compare(policy, other, data, mapping=mapping)
        return found, [name, POLICY, candidate, "--allow-failing-examples"]
    if name == "calibrate":
        found = cloudauth.calibrate(policy, data, targets=["1/100", 0.05], step=50, mapping=mapping)
        return found, [name, POLICY, "--target", "1/100", "--target", "0.05", "--step", "50"]
    found = cloudauth.sweep(policy, data, threshold="match_auto", start=74.5, stop=75.5, step=0.5, mapping=mapping)
    return found, [name, POLICY, "--threshold", "match_auto", "--from", "74.5", "--to", "75.5", "--step", "0.5"]


@pytest.fixture(scope="module")
def cost(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cost") / "cost.toml"
    path.write_text("format = 1\n[cost]\nimpostor_approved = 5000\ngenuine_rejected = 30\nreview = 2\nretry = 0.5\n")
    return path


def with_costs(data: Any, cost: Path, mapping: Path) -> cloudauth.Analysis:
    policy = cloudauth.Policy.load(POLICY)
    return cloudauth.sweep(
        policy, data, threshold="match_auto", start=74, stop=76, step=1, cost=cost, prior=0.001, mapping=mapping
    )


def test_the_costs_of_a_sweep_are_those_of_the_command(
    parquet: Path, table: pa.Table, mapping: Path, cost: Path, document: Any
) -> None:
    words = f"--threshold match_auto --from 74 --to 76 --step 1 --cost {cost} --prior 0.1%".split()
    expected = document("lab", "sweep", POLICY, *words, parquet, "--mapping", mapping)
    assert with_costs(parquet, cost, mapping).document == expected
    assert expected["cost"]["cheapest"] in range(74, 77)
    of_table = with_costs(table, cost, mapping).document
    assert of_table["cost"] == expected["cost"] and of_table["values"] == expected["values"]


def test_two_matchers_are_compared_as_by_the_command(
    candidate: Path, parquet: Path, table: pa.Table, mapping: Path, document: Any, tmp_path: Path
) -> None:
    two = tmp_path / "two.toml"
    two.write_text(mapping.read_text().replace("format = 1", 'format = 1\nsecond_score = "quality_score"'))
    found, arguments = analyse("compare", candidate, parquet, two)
    assert found.document == document("lab", *arguments, parquet, "--mapping", two)
    matchers = found.document["matchers"]
    assert 0 < matchers["aucs"]["second"]["auc"] < 1 and matchers["rests_on"] == "people"
    assert analyse("compare", candidate, table, two)[0].document["matchers"] == matchers
    assert analyse("compare", candidate, table, mapping)[0].document["matchers"] is None


def test_a_sweep_has_a_chart(parquet: Path, table: pa.Table, mapping: Path, cost: Path) -> None:
    swept = with_costs(parquet, cost, mapping)
    assert swept.chart is not None
    svg = swept.chart.svg
    titles = [text.text for text in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
    shown = {"impostors approved", "genuine people not approved", "cost of 1,000 attempts", "match_auto"}
    assert shown <= set(titles)
    assert svg in swept._repr_html_() and swept.chart._repr_svg_() == svg
    policy = cloudauth.Policy.load(POLICY)
    assert cloudauth.replay(policy, parquet).chart is None
    unlabelled = table.drop_columns(["label"])
    assert cloudauth.sweep(policy, unlabelled, threshold="match_auto", start=75, stop=76, step=1).chart is None


def test_a_chart_marks_a_value_that_breaks_the_policy(parquet: Path, mapping: Path) -> None:
    policy = cloudauth.Policy.load(POLICY)
    swept = cloudauth.sweep(policy, parquet, threshold="match_auto", start=69, stop=72, step=1, mapping=mapping)
    broken = [value["value"] for value in swept.document["values"] if value["outcome"] is None]
    assert broken == [69.0, 70.0] and swept.chart is not None
    assert "the policy fails its check" in swept.chart.svg


ANALYSES = ["replay", "compare", "calibrate", "sweep"]


@pytest.mark.parametrize("name", ANALYSES)
def test_a_document_is_that_of_the_command(
    name: str, candidate: Path, parquet: Path, mapping: Path, document: Any
) -> None:
    found, arguments = analyse(name, candidate, parquet, mapping)
    assert found.document == document("lab", *arguments, parquet, "--mapping", mapping)


@pytest.mark.parametrize("name", ANALYSES)
def test_a_table_gives_the_document_of_its_file(
    name: str, candidate: Path, parquet: Path, table: pa.Table, mapping: Path
) -> None:
    of_file = analyse(name, candidate, parquet, mapping)[0].document
    of_table = analyse(name, candidate, pl.DataFrame(table), mapping)[0].document
    assert of_table.pop("sources") == ["table"]
    del of_file["sources"]
    assert of_table == of_file


@pytest.mark.parametrize("name", ANALYSES)
def test_the_lists_of_a_document_are_tables(name: str, candidate: Path, parquet: Path, mapping: Path) -> None:
    found = analyse(name, candidate, parquet, mapping)[0]
    main = {"replay": "rules", "compare": "flips", "calibrate": "targets", "sweep": "values"}[name]
    rows = found.document[main]
    table = pa.table(found)
    assert table.num_rows == len(rows) == len(found.table) > 0
    for name_of_column in table.column_names:
        if name_of_column in rows[0]:
            values = [row.get(name_of_column) for row in rows]
            # A list within a row is its JSON.
            texts = [json.dumps(value, separators=(",", ":")) if isinstance(value, list) else value for value in values]
            assert table[name_of_column].to_pylist() == texts
    assert len(pd.DataFrame.from_arrow(found.tables[main])) == len(pl.DataFrame(found.table)) == len(rows)


def test_objects_of_objects_are_tables(parquet: Path, mapping: Path) -> None:
    found = cloudauth.replay(cloudauth.Policy.load(POLICY), parquet, mapping=mapping)
    verdicts = pa.table(found.tables["verdicts"]).to_pylist()
    assert {row["name"]: row["all"] for row in verdicts} == {
        name: rows["all"] for name, rows in found.document["verdicts"].items()
    }
    segments = pa.table(found.tables["segments"]).to_pylist()
    assert {(row["group"], row["name"], row["approve"]) for row in segments} == {
        ("channel", value, rows["approve"]) for value, rows in found.document["segments"]["channel"].items()
    }


def test_a_notebook_shows_escaped_values(parquet: Path, table: pa.Table, mapping: Path) -> None:
    policy = cloudauth.Policy.load(POLICY)
    found = cloudauth.replay(policy, parquet, mapping=mapping)
    page = found.tables["segments"]._repr_html_()
    assert "&lt;b&gt;&amp;" in page and "<b>&" not in page
    assert "<td>approve</td>" in found._repr_html_()
    assert f"… {table.num_rows} rows in all" in policy.decide(table)._repr_html_()


def test_the_check_is_that_of_the_command(document: Any) -> None:
    assert cloudauth.Policy.load(POLICY).check() == document("policy", "check", POLICY)
