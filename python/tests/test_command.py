"""The wheel has the command, with all of its exit codes."""

import subprocess
import sys
from typing import Any

import cloudauth


def test_the_command_says_its_version(command: Any) -> None:
    ran = command("--version")
    assert ran.returncode == 0 and cloudauth.__version__ in ran.stdout.splitlines()[0].split()


def test_exit_codes_and_messages_are_those_of_the_command(command: Any) -> None:
    assert command("policy", "check", "builtin:vendor").returncode == 0
    failed = command("policy", "check", "none.toml")
    assert failed.returncode == 2 and "none.toml" in failed.stderr and failed.stdout == ""
    assert command("no-such").returncode == 2


def test_the_module_runs_as_the_command() -> None:
    words = [sys.executable, "-m", "cloudauth", "codes", "204"]
    ran = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0 and "204" in ran.stdout
