"""`chainrule demo`: train on handwritten digits, and write a page to step through."""

import argparse
import sys
from pathlib import Path
from typing import Any


def add(commands: Any) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser(
        "demo", help="train a network on handwritten digits and write a page to step through"
    )
    parser.add_argument(
        "--output", type=Path, default=Path("chainrule-demo.html"), help="the page (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of all random numbers (default: %(default)s)")
    parser.add_argument("--open", action="store_true", help="open the page in the browser")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the demo; 1 if the page cannot be written."""
    from chainrule import demo

    try:
        demo.run(options.output, seed=options.seed, open_page=options.open)
    except (OSError, ValueError) as error:
        print(f"chainrule demo: {error}", file=sys.stderr)
        return 1
    return 0
