"""`chainrule step`: step through a formula, or through a computation in a file of your own."""

import argparse
import runpy
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

Made = TypeVar("Made")

if TYPE_CHECKING:
    from chainrule.viz import Stepper


def add(commands: Any) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser(
        "step",
        help="step through backprop of a formula, or of a result in a Python file",
        description="Write a page on which backprop can be stepped through, forwards and backwards.",
        epilog='examples: chainrule step --expr "tanh(w*x + b)" --at w=2,x=-1,b=0.5; chainrule step train.py:loss; '
        "chainrule step train.py:train_step -n 20",
    )
    parser.add_argument(
        "file",
        nargs="?",
        metavar="FILE.py[:NAME]",
        help="a file, which is run, and the name in it of a result or a function without arguments; without the "
        "name: loss, or the last result that the file computes",
    )
    parser.add_argument("--expr", metavar="FORMULA", help="a formula in place of a file")
    parser.add_argument("--at", metavar="x=1,y=2", default="", help="the numbers that its names stand for")
    parser.add_argument("-n", type=int, help="the function is a training step: run it so many times")
    parser.add_argument(
        "--mistake", help="walk back wrongly too, beside the right walk: overwrite, sign, ..."
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("steps.html"),
        help="a page (.html) or a picture (.svg, .png); default: %(default)s",
    )
    parser.add_argument("--open", action="store_true", help="open it in the browser")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the page; 1 if there is nothing to step through, or the file cannot be written."""
    try:
        stepper = _stepper(options)
        path = stepper.save(options.out).resolve()
    except _Failed:  # by the user's own code: its traceback is printed already
        return 1
    except (OSError, ValueError, TypeError, RuntimeError, ImportError) as error:
        print(f"chainrule step: {error}", *getattr(error, "__notes__", []), sep="\n", file=sys.stderr)
        return 1
    for line in _gradients(stepper):
        print(line)
    print(f"{'Step through it' if path.suffix == '.html' else 'Written'}: {path}")
    if options.open:
        import webbrowser

        webbrowser.open(path.as_uri())
    return 0


class _Failed(Exception):
    """The user's code raised."""


def _stepper(options: argparse.Namespace) -> "Stepper":
    from chainrule.autograd.mode import record_lines
    from chainrule.viz import step
    from chainrule.viz.expression import compute, numbers

    if (options.file is None) == (options.expr is None):
        raise ValueError(
            "pass a file, chainrule step FILE.py:loss, "
            'or a formula, chainrule step --expr "w*x + b" --at w=2,x=-1,b=0.5'
        )
    if options.mistake is not None and options.out.suffix != ".html":
        raise ValueError(f"a picture cannot show a mistake: write a page, --out {options.out.stem}.html")
    if options.expr is not None:
        if options.n is not None:
            raise ValueError("-n runs a training step of a file; a formula has none: leave it out")
        stepper = step(compute(options.expr, numbers(options.at)), mistake=options.mistake)
        stepper.name = options.expr
        return stepper
    if options.at:
        raise ValueError("--at goes with --expr; a file holds its own numbers")
    found = _from_file(options.file)
    if not callable(found):
        if options.n is not None:
            file = options.file.partition(":")[0]
            raise ValueError(
                f"-n needs a training step: name a function, chainrule step {file}:train_step -n 20"
            )
        return step(found, mistake=options.mistake)
    if options.n is not None:
        return _guarded(options.file, lambda: step(found, n=options.n, mistake=options.mistake))
    name = getattr(found, "__name__", "computation")
    again = f"say how often to run it: chainrule step {options.file} -n 20"
    with record_lines():
        result = _guarded(options.file, found)
    if result is None:
        raise ValueError(
            f"{name} returned None: let it return the loss, or if it is a whole training step that calls backward() "
            f"and updates the parameters, {again}"
        )
    try:
        stepper = step(result, mistake=options.mistake)
    except RuntimeError as error:  # such as weights that were updated after the loss was computed
        error.add_note(f"If {name} is a whole training step, {again}")
        raise
    stepper.name = name
    return stepper


def _from_file(given: str) -> Any:
    """What the named file holds under the name, or its loss, or its last result."""
    from chainrule.autograd.mode import record_lines
    from chainrule.autograd.node import Node
    from chainrule.nn.names import look_up

    file, name = given, ""
    if not Path(given).is_file():
        file, _, name = given.rpartition(":")
    if not Path(file).is_file():
        raise ValueError(
            f"there is no file {given!r}; write the path of a Python file, and :NAME behind it if you like"
        )
    arguments, sys.argv = sys.argv, [file]  # as if Python ran it
    sys.path.insert(0, str(Path(file).resolve().parent))
    try:
        with record_lines():
            held = _guarded(given, lambda: runpy.run_path(file, run_name="__main__"))
    finally:
        sys.path.pop(0)
        sys.argv = arguments
    for key, value in held.items():
        if isinstance(value, Node) and not value.label and not key.startswith("_"):
            value.label = key
    if name:
        return look_up("name", name, {key: value for key, value in held.items() if not key.startswith("__")})
    results = {key: value for key, value in held.items() if isinstance(value, Node) and value.op is not None}
    if not results:
        raise ValueError(
            f"{file} leaves no computed Value or Tensor in a variable; assign the loss to one, or name a function that "
            f"returns it: chainrule step {file}:NAME"
        )
    return results.get("loss", max(results.values(), key=lambda node: node.serial))


def _guarded(given: str, call: Callable[[], Made]) -> Made:
    """Call the user's code; what it raises is shown with its own lines only."""
    try:
        return call()
    except (Exception, SystemExit) as error:
        frames = traceback.extract_tb(error.__traceback__)
        file = given if Path(given).is_file() else given.rpartition(":")[0]
        own = next((k for k, frame in enumerate(frames) if frame.filename == file), None)
        if own is None and not isinstance(error, SyntaxError | SystemExit):
            raise  # chainrule's own word on what it was given
        lines = traceback.format_list(frames[own:] if own is not None else [])
        told = "".join(lines + traceback.format_exception_only(error))
        print(f"chainrule step: {file} stopped:\n{told}", end="", file=sys.stderr)
        raise _Failed from None


def _gradients(stepper: "Stepper") -> list[str]:
    """The result, and the gradient of each labelled leaf, in words."""
    from chainrule.viz.words import Words, said

    trace = stepper.trace
    state, words = trace.state(), Words(trace)
    lines = [words.summary()]
    if trace.nodes:
        lines.append(f"  {words.root} = {said(state.values[len(trace.nodes) - 1])}")
    leaves = [node for node in trace.nodes if node.op is None and node.label and node.id in state.grads]
    return lines + [
        f"  ∂{words.root}/∂{words.names[leaf.id]} = {said(state.grads[leaf.id])}" for leaf in leaves
    ]
