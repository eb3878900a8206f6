"""The command line: start-up, help, messages and exit codes; commands are tested with their packages."""

from __future__ import annotations

import json
import os
import pkgutil
import re
import signal
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from ecg_edge.ecg.errors import BundleError, ComparisonError, EcgEdgeError, LinkError
from ecg_edge.ecg.files import PROJECT_ROOT, write_json
from ecg_edge.host.cli import EXIT_INTERRUPTED, commands
from ecg_edge.host.cli import main as cli
from ecg_edge.host.cli.commands import evaluate

LAZY = ("tensorflow", "tf_keras", "numpy", "scipy", "matplotlib", "serial")


def run(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ecg_edge.host.cli.main", *args],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=60,
    )


def exit_code_of(*args: str) -> int:
    with pytest.raises(SystemExit) as stop:
        cli.main(list(args))
    return int(stop.value.code or 0)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Make the command `demo` raise something."""

    def install(error: BaseException) -> None:
        def demo() -> None:
            raise error

        module = types.ModuleType("ecg_edge.host.cli.commands.demo")
        module.demo = demo  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)

    return install


def imported_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.split())


def modules_in(package: types.ModuleType) -> set[str]:
    return {module.name for module in pkgutil.iter_modules(package.__path__)}


@pytest.mark.parametrize(("words", "package"), [((), commands), (("evaluate",), evaluate)])
def test_help_lists_a_command_for_each_module(words: tuple[str, ...], package: types.ModuleType) -> None:
    done = run(*words, "--help", COLUMNS="120")
    assert done.returncode == 0
    listed = {found[1] for found in re.finditer(r"^│ ([a-z]+) ", done.stdout, re.MULTILINE)}
    assert listed == modules_in(package)


def test_help_orders_the_panels_as_a_user_meets_them() -> None:
    titles = re.findall(r"^╭─ (.+?) ─", run("--help", COLUMNS="120").stdout, re.MULTILINE)
    assert titles == ["Options", *cli.PANELS]


@pytest.mark.parametrize(("verb", "table"), [("ablate", "[ablation]"), ("tune", "[tune]")])
def test_the_help_names_the_table_in_brackets(verb: str, table: str) -> None:
    assert table in run(verb, "--help", COLUMNS="120").stdout


@pytest.mark.parametrize("words", [(), ("--help",), ("evaluate", "--help")])
def test_help_imports_nothing_heavy(words: tuple[str, ...]) -> None:
    call = f"from ecg_edge.host.cli.main import app; app({[*words]!r}, standalone_mode=False)"
    assert not imported_after(call if words else "import ecg_edge.host.cli.main").intersection(LAZY)


@pytest.mark.parametrize("name", sorted(modules_in(commands)))
def test_help_of_each_command_needs_no_tensorflow(name: str) -> None:
    modules = imported_after(f"from ecg_edge.host.cli.lazy import load_command as c; assert c({name!r}).help")
    assert not modules.intersection({"tensorflow", "tf_keras"})


def test_version() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout.split()[0]) == (0, "ecg-edge")


def test_unknown_command_is_a_usage_error_with_a_suggestion() -> None:
    done = run("trian")
    assert done.returncode == 2
    assert "train" in done.stderr


def test_error_is_one_line_without_a_traceback(tmp_path: Path) -> None:
    done = run("data", "check", "--data", str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.startswith(f"ecg-edge: {tmp_path} (from --data): holds no records.")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [(BundleError("b"), 2), (ComparisonError("c"), 1), (LinkError("l"), 3), (EcgEdgeError("e"), 2)],
)
def test_exit_code_is_the_errors_own(
    error: EcgEdgeError, code: int, command: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    command(error)
    assert exit_code_of("demo") == code
    assert capsys.readouterr().err == f"ecg-edge: {error}\n"


def test_too_little_memory_is_one_line(
    command: Callable[[BaseException], None], capsys: pytest.CaptureFixture[str]
) -> None:
    command(MemoryError())
    assert exit_code_of("demo") == 2
    told = capsys.readouterr().err
    assert "not enough memory" in told and told.count("\n") == 1


def test_interruption_exits_130(command: Callable[..., None]) -> None:
    command(KeyboardInterrupt())
    assert exit_code_of("demo") == EXIT_INTERRUPTED


@pytest.mark.parametrize("start", [["-m", "ecg_edge.host.cli.main"], ["ecg-edge"]])
def test_ctrl_c_during_the_imports_is_as_quiet(start: list[str], tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("import os, signal, time; os.kill(os.getpid(), 2); time.sleep(30)")
    (tmp_path / "ecg-edge").write_text("from ecg_edge.host.cli.main import main; main()")
    done = subprocess.run(
        [sys.executable, *start, "demo"],
        capture_output=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        timeout=60,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # ignored in the background
    )
    assert (done.returncode, done.stdout, done.stderr) == (EXIT_INTERRUPTED, b"", b"")


@pytest.mark.parametrize(
    "error",
    [
        AttributeError(
            "cffi library 'ecg_edge.firmware.binding._ecg_rhythm' has no function, constant or global "
            "variable named 'ECG_RHYTHM_NEW'"
        ),
        ImportError("ecg_edge.firmware.binding._ecg_core is older than its Python code"),
        ModuleNotFoundError("No module named 'ecg_edge.firmware.binding._ecg_core'"),
    ],
)
def test_an_old_or_missing_binding_is_to_be_built_again(
    error: Exception, command: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    command(error)
    assert exit_code_of("demo") == 2
    text = capsys.readouterr().err
    assert str(error) in text and text.endswith("Build it again with `pip install -e .`\n")


def test_another_attribute_that_is_missing_is_a_fault_of_ours(command: Callable[..., None]) -> None:
    command(AttributeError("'int' object has no attribute 'nothing'"))
    with pytest.raises(AttributeError, match="nothing"):
        cli.main(["demo"])


@pytest.mark.parametrize(("checkout", "target"), [(True, "-e '.[train]'"), (False, "'ecg-edge[train]'")])
def test_missing_tensorflow_names_the_extra_of_checkout_or_package(
    checkout: bool,
    target: str,
    command: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    if checkout:
        (tmp_path / "setup.py").touch()
    monkeypatch.setattr(cli, "PROJECT_ROOT", tmp_path)
    command(ModuleNotFoundError("No module named 'tf_keras'", name="tf_keras.layers"))
    assert exit_code_of("demo") == 2
    assert capsys.readouterr().err.endswith(f"pip install {target}\n")


def test_help_of_every_command_needs_no_extra() -> None:
    """`make docs` writes the page of the command line where only the documentation's packages are."""
    code = (
        "import sys; from ecg_edge.host.cli.main import EXTRAS; sys.modules.update(dict.fromkeys(EXTRAS));"
        "from tests.support.command_lines import leaf_commands; import ecg_edge.host.report.teaching;"
        "print(*(verb for verb, _ in leaf_commands()), sep='\\n')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert {"update send", "update key", "monitor", "bridge", "tune"} <= set(done.stdout.splitlines())


def test_a_module_of_our_own_that_is_missing_is_a_fault_of_ours(command: Callable[..., None]) -> None:
    command(ModuleNotFoundError("No module named 'ecg_edge.nothing'", name="ecg_edge.nothing"))
    with pytest.raises(ModuleNotFoundError, match=r"ecg_edge\.nothing"):
        cli.main(["demo"])


def test_no_color_is_respected() -> None:
    assert "\x1b[" not in run("--help", NO_COLOR="1", FORCE_COLOR="").stdout


def test_json_to_a_file_and_to_standard_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = {"file": Path("a"), "figures": (1.5, float("nan")), 3: {"set": {1}}}
    write_json(tmp_path / "new" / "f.json", figures)
    write_json("-", figures)
    text = capsys.readouterr().out
    assert json.loads(text) == {"file": "a", "figures": [1.5, None], "3": {"set": [1]}}
    assert (tmp_path / "new" / "f.json").read_text() == text


def test_json_to_a_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(EcgEdgeError, match="folder"):
        write_json(tmp_path, {})
