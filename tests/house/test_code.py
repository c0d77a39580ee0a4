"""The house about its own code: format, types, imports, sizes."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import jobs
from app.kit.errors import AppError
from workers.main import HANDLERS

ROOT = Path(__file__).parent.parent.parent
OURS = ("app", "workers", "simulator", "dev", "migrations", "tests", "bench")
MAX_FILE_LINES, MAX_FUNCTION_LINES = 400, 60


def run(*command: str) -> None:
    """A tool of the virtual environment; its output is the failure."""
    tool = Path(sys.executable).parent / command[0]
    result = subprocess.run([str(tool), *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-2000:]


def sources(*folders: str) -> Iterator[Path]:
    """Every Python file below the folders, migrations' versions left out: they are history."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "versions" not in path.parts and "__pycache__" not in path.parts:
                yield path


def test_lint() -> None:
    run("ruff", "check", "--no-cache", *OURS)


def test_format() -> None:
    run("ruff", "format", "--no-cache", "--check", *OURS)


@pytest.mark.timeout(600)
def test_types() -> None:
    run("mypy")


def test_import_contracts() -> None:
    run("lint-imports", "--no-cache")


def test_files_and_functions_keep_their_size() -> None:
    too_large = []
    for path in sources("app", "workers", "simulator", "dev", "bench"):
        text = path.read_text(encoding="utf-8")
        if len(text.splitlines()) > MAX_FILE_LINES:
            too_large.append(f"{path.relative_to(ROOT)}: {len(text.splitlines())} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > MAX_FUNCTION_LINES:
                    too_large.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {lines} lines")
    assert not too_large, "\n".join(too_large)


def test_every_public_name_says_its_promise() -> None:
    silent = []
    for path in sources("app", "workers"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if path.name != "__init__.py" and ast.get_docstring(tree) is None:
            silent.append(f"{path.relative_to(ROOT)}: no docstring")
        for node in tree.body:
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            if not node.name.startswith("_") and ast.get_docstring(node) is None:
                silent.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
    assert not silent, "\n".join(silent)


def test_only_the_settings_read_the_environment() -> None:
    readers = [
        str(path.relative_to(ROOT))
        for path in sources("app", "workers")
        if "os.environ" in path.read_text(encoding="utf-8") or "getenv" in path.read_text(encoding="utf-8")
    ]
    assert readers == ["app/settings.py"]


def test_only_the_unit_of_work_ends_transactions() -> None:
    for path in sources("app", "workers"):
        text = path.read_text(encoding="utf-8")
        for word in (".commit(", ".rollback(", "set_config('app.tenant_id'"):
            assert word not in text or path.name == "db.py", f"{path}: {word}"


def test_every_job_has_one_handler_and_every_handler_one_job() -> None:
    assert sorted(HANDLERS) == sorted(job.kind for job in jobs.JOBS)
    assert len({job.kind for job in jobs.JOBS}) == len(jobs.JOBS)


def test_every_error_has_a_title_and_no_code_means_two_statuses() -> None:
    seen: dict[str, int] = {}
    pending = [AppError]
    while pending:
        kind = pending.pop()
        pending += kind.__subclasses__()
        assert kind.__doc__, kind
        assert seen.setdefault(kind.code, kind.status) == kind.status, kind


def test_no_file_bears_a_path_of_a_machine_or_an_address_of_a_registry() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    names = tracked.stdout.split() or [str(path.relative_to(ROOT)) for path in sources(*OURS)]
    forbidden = ("/wo" + "rk/", "/fa" + "rm/", "pypi" + ".org/simple", "registry.npm" + "js", "file:///o" + "pt")
    for name in names:
        path = ROOT / name
        if path.suffix in {".png", ".svg", ".ico"} or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        assert not [word for word in forbidden if word in text], name
