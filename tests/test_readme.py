"""The Python in README.md and CONTRIBUTING.md runs, block after block, and prints what it says it prints.

A statement that ends in a comment `# -> 24.7041` shows exactly that, by printing or by being an expression;
`...` stands for anything. A block that starts with `>>>` is a doctest. Blocks of one page share their names,
as in one session, and the working directory is an empty one.
"""

import ast
import contextlib
import contextvars
import doctest
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PAGES = ("README.md", "CONTRIBUTING.md")
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
ARROW = "# -> "


def blocks(text: str, language: str) -> Iterator[tuple[str, int]]:
    """The fenced blocks of a language, each with the number of lines before it."""
    for match in re.finditer(rf"^( *)```{language}\n(.*?)^\1```$", text, re.MULTILINE | re.DOTALL):
        indent, code = match.groups()
        yield re.sub(f"^{indent}", "", code, flags=re.MULTILINE), text.count("\n", 0, match.start(2))


def check(code: str, line: int, names: dict[str, Any], page: str) -> None:
    """Run one block and compare what it shows with what it says."""
    if code.lstrip().startswith(">>>"):
        test = doctest.DocTestParser().get_doctest(code, names, page, page, line)
        test.globs = names  # the parser hands the test a copy
        failures: list[str] = []
        doctest.DocTestRunner(optionflags=OPTIONS).run(test, out=failures.append, clear_globs=False)
        assert not failures, "".join(failures)
        return
    code = "\n" * line + code  # so that every error points into the page
    expected = {
        token.start[0]: token.string.removeprefix(ARROW)
        for token in tokenize.generate_tokens(io.StringIO(code).readline)
        if token.type == tokenize.COMMENT and token.string.startswith(ARROW)
    }
    for statement in ast.parse(code).body:
        shown = _run(statement, names, page)
        if (want := expected.pop(statement.end_lineno or 0, None)) is not None:
            same = doctest.OutputChecker().check_output(f"{want}\n", f"{shown}\n", OPTIONS)
            assert same, f"{page}:{statement.lineno} says {want}, and shows {shown or 'nothing'}"
    assert not expected, f"{page}: these arrows end no statement: {expected}"


def _run(statement: ast.stmt, names: dict[str, Any], page: str) -> str:
    """What a statement prints, or what it is worth."""
    value = None
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        if isinstance(statement, ast.Expr):
            value = eval(compile(ast.Expression(statement.value), page, "eval"), names)  # noqa: S307 - our page
        else:
            exec(compile(ast.Module([statement], []), page, "exec"), names)  # noqa: S102
    return out.getvalue().strip() or ("" if value is None else repr(value))


@pytest.mark.parametrize("page", PAGES)
def test_page(page: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "__main__"}
    found = list(blocks((root / page).read_text(), "python"))
    assert found, f"{page} shows no Python"
    context = contextvars.copy_context()
    for code, line in found:
        context.run(check, code, line, names, page)


@pytest.mark.parametrize("page", PAGES)
def test_make_targets_exist(page: str, root: Path) -> None:
    commands = "".join(code for code, _ in blocks((root / page).read_text(), "(?:sh|bash|console)"))
    targets = re.findall(r"^([a-z]+):", (root / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"\bmake ([a-z]+)\b", commands)) <= set(targets)


# The checker itself.


@pytest.mark.parametrize(
    "code",
    [
        "x = 2\nprint(x + 1)  # -> 3",
        "1 / 3  # -> 0.333...",
        "print(\n    'a b'\n)  # -> a b",
        "for i in range(2):\n    print(i, end=' ')  # -> 0 1",
        "'# -> no comment'",
        ">>> 1 + 1\n2\n",
    ],
)
def test_accepts(code: str) -> None:
    check(code, 0, {}, "page")


@pytest.mark.parametrize(
    "code",
    [
        "print(3)  # -> 4",
        "1 + 1  # -> 3",
        "x = 2  # -> 2",
        "print(\n    3,  # -> 3\n)",
        "# -> 3",
        ">>> 1 + 1\n3\n",
    ],
)
def test_refuses(code: str) -> None:
    with pytest.raises(AssertionError):
        check(code, 0, {}, "page")


def test_blocks_share_names_and_tell_their_lines() -> None:
    text = (
        "# Page\n\n```python\nx = 1\n```\n\n- so\n\n  ```python\n  if x:\n      y = x\n  ```\n```sh\nls\n```"
    )
    names: dict[str, Any] = {}
    found = list(blocks(text, "python"))
    assert found == [("x = 1\n", 3), ("if x:\n    y = x\n", 9)]
    for code, line in found:
        check(code, line, names, "page")
    check(">>> z = y\n", 0, names, "page")
    assert names["z"] == 1


def test_an_error_points_into_the_page() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        check("x = 1\ny = x / 0", 40, {}, "README.md")
    assert caught.traceback[-1].lineno + 1 == 42
