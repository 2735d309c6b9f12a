"""Errors name the file and the line, and never a value of the data."""

from pathlib import Path
from typing import Any, Callable, Iterator

import pyarrow as pa
import pytest

import cloudauth

SECRET = "Zhang Sanfeng 999999199001012003"


@pytest.fixture(scope="module")
def policy() -> cloudauth.Policy:
    return cloudauth.Policy.load("builtin:onboarding")


def test_a_policy_that_fails_its_check_names_file_and_line(command: Any, tmp_path: Path) -> None:
    text = command("policy", "show", "onboarding").stdout
    path = tmp_path / "policy.toml"
    path.write_text(text + '\n[[rule]]\nid = "late"\nwhen = { color = "red" }\nthen = "approve"\n')
    with pytest.raises(cloudauth.PolicyError) as raised:
        cloudauth.Policy.load(path)
    error = raised.value
    assert error.path == str(path) and error.line is not None and error.line > text.count("\n")
    assert str(error).startswith(f"{path}:{error.problems[0]['line']}:{error.column}: ")
    assert isinstance(error, cloudauth.Error)


def test_a_missing_policy_is_named(tmp_path: Path) -> None:
    with pytest.raises(cloudauth.DataError, match=r"cannot read .*none\.toml"):
        cloudauth.Policy.load(tmp_path / "none.toml")
    with pytest.raises(cloudauth.DataError, match="onboarding"):
        cloudauth.Policy.load("builtin:other")


def test_an_invalid_mapping_names_file_and_line(policy: cloudauth.Policy, table: pa.Table, tmp_path: Path) -> None:
    path = tmp_path / "mapping.toml"
    path.write_text("format = 1\ncolour = 'x'\n")
    with pytest.raises(cloudauth.DataError, match=r"mapping\.toml: .*line 2"):
        policy.decide(table, mapping=path)


def test_a_table_without_inputs_is_refused(policy: cloudauth.Policy) -> None:
    stranger = pa.table({"name": [SECRET]})
    with pytest.raises(cloudauth.DataError) as raised:
        policy.decide(stranger)
    assert "table" in str(raised.value) and SECRET not in str(raised.value)
    assert policy.decide(stranger, allow_missing_inputs=True).counts["approve"] == 0


def test_a_column_of_another_type_is_refused(policy: cloudauth.Policy) -> None:
    with pytest.raises(cloudauth.DataError) as raised:
        cloudauth.replay(policy, f'{{"name": "{SECRET}"}}')
    assert SECRET not in str(raised.value)
    lists = pa.table({"sub_code": [[SECRET]], "verify_score": [80.0]})
    with pytest.raises(cloudauth.DataError, match="column `sub_code` is of the type") as raised:
        policy.decide(lists)
    assert SECRET not in str(raised.value)


def test_two_columns_of_one_name_are_refused(policy: cloudauth.Policy) -> None:
    twice = pa.table([pa.array(["200"]), pa.array(["201"])], names=["sub_code", "sub_code"])
    with pytest.raises(cloudauth.DataError, match="sub_code"):
        policy.decide(twice)


def test_other_objects_are_refused(policy: cloudauth.Policy) -> None:
    with pytest.raises(TypeError, match="Arrow PyCapsule interface"):
        policy.decide({"sub_code": ["200"]})  # type: ignore[arg-type]
    with pytest.raises(cloudauth.DataError, match="has no input of a policy"):
        policy.explain({"name": SECRET})


@pytest.mark.parametrize("row", [{"sub_code": object()}, {"sub_code": ["200"]}, {"verify_score": "x" * 10_000}])
def test_an_odd_row_is_refused_or_not_approved(policy: cloudauth.Policy, row: dict[str, object]) -> None:
    try:
        assert policy.explain(row)["decision"] != "approve"
    except (cloudauth.DataError, TypeError):
        pass


def test_lines_have_no_decision_each(policy: cloudauth.Policy, tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_text('{"sub_code": "200"}\n')
    with pytest.raises(cloudauth.DataError, match="only a table has a decision for each row"):
        policy.decide(path)
    assert cloudauth.replay(policy, path).document["rows"] == 1


@pytest.mark.parametrize("arguments", [{"threads": 0}, {"threads": 5000}])
def test_threads_have_a_limit(policy: cloudauth.Policy, table: pa.Table, arguments: dict[str, int]) -> None:
    with pytest.raises(cloudauth.DataError, match="threads"):
        policy.decide(table, threads=arguments["threads"])


def test_arguments_are_checked_before_a_stream_is_read(policy: cloudauth.Policy, table: pa.Table, tmp_path: Path) -> None:
    read = []

    def stream() -> pa.RecordBatchReader:
        def batches() -> Iterator[pa.RecordBatch]:
            read.append(1)
            yield from table.to_batches()

        return pa.RecordBatchReader.from_batches(table.schema, batches())

    none = tmp_path / "none.toml"
    calls: list[Callable[[], object]] = [
        lambda: policy.decide(stream(), mapping=none),
        lambda: cloudauth.replay(policy, stream(), threads=0),
        lambda: cloudauth.compare(policy, policy, stream(), mapping=none),
        lambda: cloudauth.calibrate(policy, stream(), targets=["2"]),
        lambda: cloudauth.sweep(policy, stream(), threshold="match_high", start=70, stop=80, step=1),
    ]
    for call in calls:
        with pytest.raises(cloudauth.DataError):
            call()
        assert read == []
