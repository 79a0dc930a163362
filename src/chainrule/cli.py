"""The command line: `chainrule COMMAND`, or `python -m chainrule COMMAND`."""

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command of the command line.

    Args:
        arguments: the words after `chainrule`; those of the process if None.

    Returns:
        The exit status: 0 for success, 1 if a file cannot be written.

    Raises:
        SystemExit: if the arguments make no command (status 2), or after `--help` and `--version` (status 0).

    >>> main([])
    usage: chainrule [-h] [--version] COMMAND ...
    ...
    0
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        return 0
    return _demo(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="chainrule", description="Graphs you can build, differentiate and step through."
    )
    parser.add_argument("--version", action="version", version=f"chainrule {version('chainrule')}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    demo = commands.add_parser(
        "demo", help="train a network on handwritten digits and write a page to step through"
    )
    demo.add_argument(
        "--output", type=Path, default=Path("chainrule-demo.html"), help="the page (default: %(default)s)"
    )
    demo.add_argument("--seed", type=int, default=0, help="of all random numbers (default: %(default)s)")
    demo.add_argument("--open", action="store_true", help="open the page in the browser")
    return parser


def _demo(options: argparse.Namespace) -> int:
    from chainrule import demo

    try:
        demo.run(options.output, seed=options.seed, open_page=options.open)
    except (OSError, ValueError) as error:
        print(f"chainrule demo: {error}", file=sys.stderr)
        return 1
    return 0
