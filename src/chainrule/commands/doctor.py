"""`chainrule doctor`: what there is to compute with here, and what is in the way."""

import argparse
from typing import Any


def add(commands: Any) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser(
        "doctor", help="say what there is to compute with here, and what is in the way"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the report; 0 also where something is in the way, since the report is what was asked for."""
    from chainrule.backends import doctor

    print(doctor.report())
    return 0
