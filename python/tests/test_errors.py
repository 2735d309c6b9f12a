"""Errors name the file and the line, and never a value of the data."""

import os
import sys
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
    path = tmp_path / "none.toml"
    with pytest.raises(cloudauth.DataError, match=r"cannot read .*none\.toml") as raised:
        cloudauth.Policy.load(path)
    assert (raised.value.path, raised.value.line) == (str(path), None)
    with pytest.raises(cloudauth.DataError, match="onboarding"):
        cloudauth.Policy.load("builtin:other")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no names that are not UTF-8")
def test_a_policy_is_opened_by_the_bytes_of_its_name(command: Any, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"policy-\xff.toml")
    path.write_text(command("policy", "show", "onboarding").stdout)
    assert cloudauth.Policy.load(path).id == cloudauth.Policy.load("builtin:onboarding").id


def test_standard_input_is_not_read(policy: cloudauth.Policy, table: pa.Table) -> None:
    calls: list[Callable[[], object]] = [
        lambda: cloudauth.Policy.load("-"),
        lambda: policy.decide(table, mapping="-"),
        lambda: cloudauth.sweep(
            policy, table, threshold="match_auto", start=75, stop=76, step=1, cost="-", prior=0.001
        ),
    ]
    for call in calls:
        with pytest.raises(cloudauth.DataError, match="standard input .* is not read here"):
            call()


def test_an_invalid_mapping_names_file_and_line(policy: cloudauth.Policy, table: pa.Table, tmp_path: Path) -> None:
    path = tmp_path / "mapping.toml"
    path.write_text("format = 1\ncolour = 'x'\n")
    with pytest.raises(cloudauth.DataError, match=r"mapping\.toml: .*line 2") as raised:
        policy.decide(table, mapping=path)
    assert (raised.value.path, raised.value.line) == (str(path), 2)


def test_an_invalid_cost_file_names_file_and_line(policy: cloudauth.Policy, table: pa.Table, tmp_path: Path) -> None:
    path = tmp_path / "cost.toml"
    path.write_text("format = 1\n[cost]\nimpostor = 1\n")
    with pytest.raises(cloudauth.DataError, match=r"cost\.toml: .*line 3") as raised:
        cloudauth.sweep(policy, table, threshold="match_auto", start=75, stop=76, step=1, cost=path, prior=0.001)
    assert (raised.value.path, raised.value.line) == (str(path), 3)


def test_a_file_of_data_is_named(policy: cloudauth.Policy, tmp_path: Path) -> None:
    none, text, other = (tmp_path / name for name in ("none.jsonl", "notes.txt", "other.csv"))
    text.write_text("x\n")
    other.write_text("a,b\n1,2\n")
    for path in (none, text, other):
        with pytest.raises(cloudauth.DataError) as raised:
            cloudauth.replay(policy, [path])
        assert (raised.value.path, raised.value.line) == (str(path), None), raised.value


def test_only_the_file_that_failed_is_named(
    policy: cloudauth.Policy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows, longer = Path("rows"), Path("rows.csv")
    rows.mkdir()
    (rows / "a.csv").write_text("sub_code\n200\n")
    for paths in ([rows, longer], [longer, rows]):
        with pytest.raises(cloudauth.DataError, match=r"cannot read rows\.csv") as raised:
            cloudauth.replay(policy, paths)
        assert raised.value.path == "rows.csv"
    longer.write_text("sub_code\n200\n")
    Path("rows.txt").write_text("x\n")
    with pytest.raises(cloudauth.DataError) as raised:
        cloudauth.replay(policy, [rows, longer, "rows.txt"])
    assert raised.value.path == "rows.txt"


def test_errors_about_no_file_have_no_path(policy: cloudauth.Policy, table: pa.Table) -> None:
    calls: list[Callable[[], object]] = [
        lambda: policy.decide(pa.table({"name": [SECRET]})),
        lambda: policy.decide(table, threads=0),
        lambda: policy.explain({"name": SECRET}),
        # A person where a path belongs.
        lambda: cloudauth.replay(policy, SECRET),
        lambda: cloudauth.Policy.load(SECRET),
    ]
    for call in calls:
        with pytest.raises(cloudauth.DataError) as raised:
            call()
        assert (raised.value.path, raised.value.line) == (None, None)
        assert SECRET not in repr(raised.value)


def test_a_sweep_without_a_valid_value_is_an_error_of_the_policy(policy: cloudauth.Policy, table: pa.Table) -> None:
    with pytest.raises(cloudauth.PolicyError, match="match_auto = 10") as raised:
        cloudauth.sweep(policy, table, threshold="match_auto", start=10, stop=12, step=1)
    error = raised.value
    assert error.path == "builtin:onboarding" and error.line and error.problems[0]["line"] == error.line


def test_costs_need_both_arguments_and_labels(policy: cloudauth.Policy, table: pa.Table, tmp_path: Path) -> None:
    cost, mapping = tmp_path / "cost.toml", tmp_path / "mapping.toml"
    cost.write_text("format = 1\n[cost]\nimpostor_approved = 5000\ngenuine_rejected = 30\nreview = 2\nretry = 0.5\n")
    mapping.write_text("format = 1\n")
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("cost needs prior", {"cost": cost}),
        ("used by cost only", {"prior": 0.001}),
        ("above 0 and below 1", {"cost": cost, "prior": 0.0}),
        ("above 0 and below 1", {"cost": cost, "prior": float("nan")}),
        ("no labels", {"cost": cost, "prior": 0.001, "mapping": mapping}),
    ]
    for message, arguments in wrong:
        with pytest.raises(cloudauth.DataError, match=message):
            cloudauth.sweep(policy, table, threshold="match_auto", start=75, stop=76, step=1, **arguments)


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
    with pytest.raises(TypeError):
        policy.decide(pa.table({"sub_code": ["200"]}), threads="2")  # type: ignore[arg-type]
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
        lambda: cloudauth.sweep(policy, stream(), threshold="match_auto", start=75, stop=76, step=1, cost=none, prior=0.1),
        lambda: cloudauth.replay(policy, stream(), threads=0),
        lambda: cloudauth.compare(policy, policy, stream(), mapping=none),
        lambda: cloudauth.calibrate(policy, stream(), targets=["2"]),
        lambda: cloudauth.sweep(policy, stream(), threshold="match_high", start=70, stop=80, step=1),
    ]
    for call in calls:
        with pytest.raises(cloudauth.DataError):
            call()
        assert read == []


def test_a_stream_that_fails_is_an_error_without_its_message(policy: cloudauth.Policy, table: pa.Table) -> None:
    def stream() -> pa.RecordBatchReader:
        def batches() -> Iterator[pa.RecordBatch]:
            yield from table.to_batches()
            raise ValueError(SECRET)

        return pa.RecordBatchReader.from_batches(table.schema, batches())

    for call in (lambda: policy.decide(stream()), lambda: cloudauth.replay(policy, stream())):
        with pytest.raises(cloudauth.DataError, match="cannot read table: .*could not produce all rows") as raised:
            call()
        assert SECRET not in repr(raised.value)
