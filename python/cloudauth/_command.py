"""The `cloudauth` command."""

import signal
import sys

from cloudauth._cloudauth import main as run


def main() -> None:
    """Runs the command with the arguments of this process, and exits with its code."""
    # The command handles Ctrl-C where it must; Python would only note it and wait.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(run(["cloudauth", *sys.argv[1:]]))
