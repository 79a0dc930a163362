"""The command line: `chainrule COMMAND`, or `python -m chainrule COMMAND`."""

import argparse
from collections.abc import Sequence
from importlib.metadata import version

from chainrule.commands import demo, doctor, step, warmup

COMMANDS = (demo, step, doctor, warmup)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command of the command line.

    Args:
        arguments: the words after `chainrule`; those of the process if None.

    Returns:
        The exit status: 0 for success, 1 if the command could not do its work.

    Raises:
        SystemExit: if the arguments make no command (status 2), or after `--help` and `--version` (status 0).

    >>> main([])
    usage: chainrule [-h] [--version] COMMAND ...
    ...
    0
    """
    parser = argparse.ArgumentParser(
        prog="chainrule", description="Graphs you can build, differentiate and step through."
    )
    parser.add_argument("--version", action="version", version=f"chainrule {version('chainrule')}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        return 0
    return int(options.run(options))
