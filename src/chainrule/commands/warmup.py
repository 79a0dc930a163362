"""`chainrule warmup`: compile every kernel of the numba backend now, so that no first call has to wait."""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

LINES = 10  # plain lines, where there is no bar
INTERRUPTED = 130  # the status that shells give a program that Ctrl-C has ended


def add(commands: Any) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser("warmup", help="compile every kernel of the numba backend into its cache")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Compile; 1 if there is no numba, no place to keep kernels, or one of them is not compiled or not kept."""
    from chainrule import backends

    try:
        backends.load("numba")
    except ImportError as error:
        print(f"chainrule warmup: {error}", file=sys.stderr)
        return 1
    from chainrule.backends.doctor import unwritable
    from chainrule.backends.numba.compile import cache_directory, unkept
    from chainrule.backends.numba.warmup import kernels, warm_up

    directory = cache_directory()
    if directory is None:
        print(f"chainrule warmup: there is nowhere to keep compiled kernels: {unwritable()}", file=sys.stderr)
        return 1
    print(f"Cache: {directory}")
    start = time.perf_counter()
    makers = list(kernels(rules()))
    done = []
    try:
        with progress(len(makers)) as show:
            for kernel in warm_up(makers):
                done.append(kernel)
                show(kernel.name)
    except KeyboardInterrupt:
        print(f"Interrupted: {len(done)} of {len(makers)} kernels are there, and the next time finds them.")
        return INTERRUPTED
    failed = [kernel for kernel in done if kernel.error]
    loaded = sum(kernel.loaded for kernel in done)
    seconds = time.perf_counter() - start
    print(
        f"{len(done) - loaded - len(failed)} kernels compiled, {loaded} were there already: {seconds:.1f} s."
    )
    for kernel in failed:
        print(f"chainrule warmup: {kernel.name} does not compile: {kernel.error}", file=sys.stderr)
    if unkept:
        print(f"chainrule warmup: {len(unkept)} could not be kept: {unkept[-1]}", file=sys.stderr)
    return 1 if failed or unkept else 0


def rules() -> Iterator[tuple[str, Any, int]]:
    """Name, rule and arity of every derivative rule, as the engine hands them to the backend."""
    from chainrule.autograd.op import OPS

    for op in OPS:
        for argument, rule in enumerate(op.rules):
            if rule is not None and not op.variadic:
                yield f"{op.name}-{argument}", rule, op.arity


@contextmanager
def progress(total: int) -> Iterator[Callable[[str], None]]:
    """A bar by tqdm; where there is no tqdm, a plain line now and then."""
    from chainrule.nn.progress import find_tqdm

    tqdm = find_tqdm()
    if tqdm:
        with tqdm(total=total, unit="kernel") as bar:

            def step(name: str) -> None:
                bar.set_postfix_str(name, refresh=False)
                bar.update()

            yield step
        return
    count = 0

    def line(name: str) -> None:
        nonlocal count
        count += 1
        if count % max(1, total // LINES) == 0 or count == total:
            print(f"{count}/{total}: {name}", flush=True)

    yield line
