"""A history, as rows and as files, and the command beside the module."""

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

import pyarrow as pa
import pyarrow.parquet
import pytest

Row = dict[str, Any]


def history(count: int) -> list[Row]:
    """Synthetic rows, of which some have missing, malformed or unknown values."""
    dice = random.Random(7)
    rows: list[Row] = []
    for number in range(count):
        impostor = dice.random() < 0.1
        score = min(99.99, max(0.0, dice.gauss(60 if impostor else 86, 8)))
        sub_code = dice.choice(["200"] * 12 + ["201", "204", "205", "999", "", "2 00", None])
        rows.append(
            {
                "id": f"row-{number}",
                "time": f"2026-{1 + number % 3:02}-{1 + number % 28:02}T08:00:00+08:00",
                "channel": dice.choice(["app", "web", "<b>&"]),
                "sub_code": sub_code,
                "passed": dice.choice(["T"] * 9 + ["F", "maybe", None]),
                "face_attack": dice.choice(["F"] * 9 + ["T", None]),
                "face_occlusion": dice.choice(["F"] * 9 + ["T"]),
                "verify_score": None if dice.random() < 0.05 else round(score, 4),
                "quality_score": round(60 + 40 * dice.random(), 3),
                "face_attack_score": round(dice.random() ** 4 * 0.3, 6),
                "label": dice.choice([None, "impostor" if impostor else "genuine"]),
                "subject": f"s{number // 2}",
            }
        )
    return rows


@pytest.fixture(scope="session")
def rows() -> list[Row]:
    return history(20_000)


@pytest.fixture(scope="session")
def table(rows: list[Row]) -> pa.Table:
    return pa.Table.from_pylist(rows)


@pytest.fixture(scope="session")
def parquet(table: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("history") / "history.parquet"
    pyarrow.parquet.write_table(table, path)
    return path


@pytest.fixture(scope="session")
def mapping(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mapping") / "mapping.toml"
    path.write_text('format = 1\nid = "id"\ntime = "time"\nsubject = "subject"\nsegments = ["channel"]\n[label]\ncolumn = "label"\n')
    return path


Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def command() -> Command:
    """Runs the installed `cloudauth` command."""

    def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
        program = Path(sys.executable).with_name("cloudauth")
        words = [str(program), *map(str, arguments)]
        return subprocess.run(words, capture_output=True, text=True, timeout=60)

    return run


@pytest.fixture(scope="session")
def document(command: Command) -> Callable[..., Any]:
    """The document that the command prints."""

    def run(*arguments: object) -> Any:
        ran = command("--output", "json", *arguments)
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    return run
