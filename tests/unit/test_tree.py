from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUNTIME = ("schemas", "geo", "streams", "api", "deploy")
PURE = ("geo", "streams/rules", "streams/incidents")
MAX_LINES = 400
#: Names that say nothing of what is inside.
NAMELESS = {"common", "helper", "helpers", "misc", "tools", "util", "utils"}
#: Modules named by the domain's own word, which the standard library also has: a rule gives a signal.
SAME_WORD = {"schemas/events/signal.py"}
GENERATED = {"node_modules", "dist", "data", "build", "__pycache__"}


def tree(top: Path) -> Iterator[Path]:
    """Give every file of ours below a folder; hidden folders, data and what tools made are not ours."""
    for folder, below, names in os.walk(top):
        below[:] = sorted(name for name in below if name not in GENERATED and not name.startswith((".", "canh-")))
        yield from (Path(folder, name) for name in sorted(names))


def python_files(*tops: str) -> list[Path]:
    return [path for top in tops for path in tree(ROOT / top) if path.suffix == ".py"]


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


CODE = {relative(path): ast.parse(path.read_text("utf-8")) for path in python_files(*RUNTIME)}


def imports(code: ast.AST) -> Iterator[str]:
    """Give the full name of every module that a file imports, also late ones."""
    for node in ast.walk(code):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def called(code: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Give every call with the words that it is made by, such as `datetime.now`."""
    for node in ast.walk(code):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def test_no_file_is_too_long_to_read() -> None:
    """A Python file has at most 400 lines: more is two things."""
    sizes = {relative(path): len(path.read_text("utf-8").splitlines()) for path in python_files(*RUNTIME, "tests")}
    assert {name: lines for name, lines in sizes.items() if lines > MAX_LINES} == {}


def test_no_module_hides_one_of_the_standard_library() -> None:
    """`import logging` must mean Python's, wherever it stands: no top-level name of ours is one of its names."""
    tops = {path.stem for path in ROOT.glob("*.py")} | set(RUNTIME)
    assert tops & sys.stdlib_module_names == set()


def test_no_module_is_named_like_one_of_the_standard_library() -> None:
    """A reader who sees `logging.py` in a folder must not wonder which one is meant."""
    named = [name for name in CODE if Path(name).stem in sys.stdlib_module_names - {"__main__"}]
    assert sorted(set(named) - SAME_WORD) == []


def test_names_say_what_is_inside() -> None:
    """No folder or file for this and that: the concept has a name."""
    assert [name for name in CODE if {part.removesuffix(".py") for part in Path(name).parts} & NAMELESS] == []


def test_every_module_tells_its_place() -> None:
    """Each file begins with a docstring."""
    assert [name for name, code in CODE.items() if not ast.get_docstring(code)] == []


def test_no_time_without_a_zone() -> None:
    """`datetime.now()` and its like without a zone would be another time on another machine."""
    naive = {"datetime.now", "datetime.datetime.now", "datetime.fromtimestamp", "datetime.datetime.fromtimestamp"}
    found = [
        f"{name}:{call.lineno} {words}"
        for name, code in CODE.items()
        for words, call in called(code)
        if words.endswith(("utcnow", "utcfromtimestamp", "date.today", "datetime.today"))
        or (words in naive and not _has_zone(words, call))
    ]
    assert found == []


def _has_zone(words: str, call: ast.Call) -> bool:
    positional = 2 if words.endswith("fromtimestamp") else 1
    return len(call.args) >= positional or any(keyword.arg == "tz" for keyword in call.keywords)


def test_pure_code_reads_no_clock() -> None:
    """geo, rules and incidents get the time from their caller, so that a replay decides the same."""
    clocks = ("datetime.now", "monotonic", "perf_counter", "time.time", "time_ns")
    assert [
        f"{name}:{call.lineno} {words}"
        for name, code in CODE.items()
        if name.startswith(PURE)
        for words, call in called(code)
        if words.endswith(clocks)
    ] == []


def test_the_environment_is_read_in_one_place() -> None:
    """deploy/settings.py (through pydantic) reads it; deploy/stack.py hands it on to the processes that it starts."""
    readers = {
        name
        for name, code in CODE.items()
        for node in ast.walk(code)
        if isinstance(node, ast.Attribute | ast.Name)
        and ast.unparse(node) in {"os.environ", "os.environb", "os.getenv", "environ", "getenv"}
    }
    assert readers <= {"deploy/settings.py", "deploy/stack.py"}


def test_faust_is_imported_where_it_is_made_safe_only() -> None:
    """All that is known of Faust's traps stays where it is dealt with."""
    users = {name for name, code in CODE.items() if any(m.partition(".")[0] == "faust" for m in imports(code))}
    assert users == {"streams/app.py", "streams/fetch.py", "streams/transport.py"}


def test_libraries_do_not_print() -> None:
    """Only commands speak to people."""
    assert [name for name, code in CODE.items() if "print" in {words for words, _ in called(code)}] == []


def test_nothing_is_pickled() -> None:
    """A pickle from a stranger is a program (P26)."""
    banned = {"pickle", "marshal", "shelve", "dill", "cloudpickle"}
    assert [name for name, code in CODE.items() if {m.partition(".")[0] for m in imports(code)} & banned] == []


def test_sql_stands_in_its_own_files() -> None:
    """SQL stands in .sql files: outside of the store, only rules write any (their conditions over history)."""
    makers = ("schemas/store/", "streams/rules/", "deploy/communes/build.py")  # build.py reads a package's SQLite file
    statement = re.compile(r"\b(SELECT .+ FROM|INSERT INTO|UPDATE \w+ SET|DELETE FROM)\b")
    found = [
        f"{name}:{node.lineno}"
        for name, code in CODE.items()
        if not name.startswith(makers)
        for node in ast.walk(code)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and statement.search(node.value)
    ]
    assert found == []


TEXTS = [
    path
    for path in (*tree(ROOT), *tree(ROOT / ".ci"))
    if path.suffix in {".py", ".md", ".toml", ".yaml", ".yml", ".sql", ".json", ".txt", ".sh", ".example", ""}
    and path.name not in {".env", ".git"}
]


#: Written in two pieces, so that this file is not found by itself.
FOREIGN = ("/wo" + "rk/", "/ro" + "ot/", "--index" + "-url", "pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org")


@pytest.mark.parametrize("word", FOREIGN)
def test_nothing_of_the_makers_machine_is_in_the_tree(word: str) -> None:
    """No path of a machine and no package host: a clone means the same anywhere."""
    assert [relative(path) for path in TEXTS if word in path.read_text("utf-8", "ignore")] == []


def test_documents_link_to_what_is_there() -> None:
    """Every relative link of a Markdown page leads to a file."""
    link = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)[^)]*\)")
    broken = [
        f"{relative(page)}: {target}"
        for page in (path for path in TEXTS if path.suffix == ".md")
        for target in link.findall(re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL))
        if not (page.parent / target).exists()
    ]
    assert broken == []


def test_documents_name_files_that_are_there() -> None:
    """A path of ours in a document, be it code or a test that proves a guarantee, exists."""
    tops = {*RUNTIME, "docs", "tests"} | {path.name for path in (ROOT / "tests").iterdir() if path.is_dir()}
    named = re.compile(r"`([\w.-]+(?:/[\w.-]+)+)/?`")
    missing = [
        f"{relative(page)}: {name}"
        for page in TEXTS
        if page.suffix == ".md" and page.parent.name != "how-to"  # those name files that the reader makes
        for name in named.findall(page.read_text("utf-8"))
        if name.partition("/")[0] in tops and not (ROOT / name).exists() and not (ROOT / "tests" / name).exists()
    ]
    assert missing == []
