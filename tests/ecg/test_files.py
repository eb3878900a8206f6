"""Files that are complete or absent, and folders that one process uses at a time."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ecg_edge.ecg import files
from ecg_edge.ecg.errors import OutputError


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_writes_text_bytes_and_json_into_a_new_folder(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    files.write_text(folder / "x.txt", "µV\n")
    files.write_bytes(folder / "x.bin", b"\0\xff")
    files.write_json(folder / "x.json", {"gain": np.float64(1.5), "rate": math.nan, "path": Path("p")})
    assert (folder / "x.txt").read_bytes() == "µV\n".encode()
    assert (folder / "x.bin").read_bytes() == b"\0\xff"
    assert json.loads((folder / "x.json").read_text()) == {"gain": 1.5, "rate": None, "path": "p"}
    assert names_in(folder) == ["x.bin", "x.json", "x.txt"]


def test_the_old_content_stays_until_the_new_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("old")
    with files.writing(path, newline="") as file:
        file.write("new\r\n")
        assert path.read_text() == "old"
    assert path.read_bytes() == b"new\r\n"


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_interrupted_write_leaves_the_old_content_and_nothing_else(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "x.txt"
    path.write_text("old")
    with pytest.raises(error), files.writing(path) as file:
        file.write("half")
        raise error
    assert path.read_text() == "old"
    assert names_in(tmp_path) == ["x.txt"]


def test_a_library_writes_to_a_name_with_the_same_suffix(tmp_path: Path) -> None:
    with files.replacing(tmp_path / "model.keras") as temporary:
        assert temporary.suffix == ".keras"
        temporary.write_bytes(b"network")
    assert (tmp_path / "model.keras").read_bytes() == b"network"
    assert names_in(tmp_path) == ["model.keras"]


def test_a_link_stays_and_its_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("real.txt")
    files.write_text(tmp_path / "link.txt", "new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"


def test_a_full_disk_is_the_reason_given(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"No space left.*Free some space"):
        files.write_text(Path("/dev/full"), "x" * 100)
    with pytest.raises(OutputError, match=r"x\.csv.*No space left"), files.writing(tmp_path / "x.csv"):
        raise OSError(28, "No space left on device")
    assert names_in(tmp_path) == []


def test_a_pipe_takes_the_content_by_the_path_that_names_it() -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as file:
        files.write_json(Path(f"/dev/fd/{writer}"), {"beats": 3})
        os.close(writer)
        assert json.load(file) == {"beats": 3}


def test_text_that_utf_8_lacks_is_escaped(tmp_path: Path) -> None:
    name = os.fsdecode(b"b\xff\xfe.csv")
    files.write_text(tmp_path / "x.txt", f"µ {name}")
    files.write_json(tmp_path / "x.json", {"file": Path(name)})
    assert (tmp_path / "x.txt").read_text(encoding="utf-8") == r"µ b\udcff\udcfe.csv"
    assert json.loads((tmp_path / "x.json").read_text(encoding="utf-8")) == {"file": name}


@pytest.mark.parametrize(
    "content", [b"", b'{"a": [1, 2', b'"\xff"', '{"a": 1}'.encode("utf-16"), b"[" * 100_000]
)
def test_what_is_no_json_in_utf_8_is_a_value_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"char|byte|recursion"):
        files.read_json(tmp_path / "x.json")


def test_a_file_is_checked_before_it_is_written(tmp_path: Path) -> None:
    assert files.check_writable_file(tmp_path / "a" / "x.json") == tmp_path / "a" / "x.json"
    assert names_in(tmp_path / "a") == []
    files.check_writable_file(Path("/dev/null"))
    for path in (tmp_path, Path("/proc/ecg-edge/x.json")):
        with pytest.raises(OutputError, match=r"is a folder|cannot be written"):
            files.check_writable_file(path)


def test_a_folder_that_a_library_cannot_write_is_the_reason_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    with (
        pytest.raises(OutputError, match=r"x\.edf: cannot be written \(no such file\)"),
        files.replacing(tmp_path / "x.edf"),
    ):
        raise OSError("no such file")
    assert names_in(tmp_path) == []
    monkeypatch.setattr(Path, "touch", denied)
    with (
        pytest.raises(OutputError, match=r"x\.edf: .*Permission denied\)\. Make the folder writable"),
        files.replacing(tmp_path / "x.edf"),
    ):
        raise OSError("no such file")


def test_an_unrelated_missing_file_is_not_called_a_write_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), files.writing(tmp_path / "x.csv"):
        (tmp_path / "missing").read_text()


@pytest.mark.parametrize(
    "write",
    [
        lambda path: files.write_text(path / "x.txt", ""),
        lambda path: files.write_json(path / "deeper" / "x.json", {}),
        files.make_folder,
        lambda path: files.make_folder(path / "deeper"),
        files.check_writable_folder,
        lambda path: files.locked_folder(path).__enter__(),
    ],
)
def test_a_file_where_a_folder_is_needed_is_named(tmp_path: Path, write: Callable[[Path], object]) -> None:
    (tmp_path / "results").write_text("kept")
    with pytest.raises(OutputError, match=r"results is a file, not a folder"):
        write(tmp_path / "results")
    assert (tmp_path / "results").read_text() == "kept"


def test_a_folder_where_a_file_is_needed_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"is a folder"):
        files.write_text(tmp_path, "")


def test_a_folder_without_permission_is_named() -> None:
    with pytest.raises(OutputError, match=r"/proc/ecg-edge.*cannot be written"):
        files.check_writable_folder(Path("/proc/ecg-edge"))


HOLD = """
import sys
from pathlib import Path
from ecg_edge.ecg.files import locked_folder
with locked_folder(Path(sys.argv[1])):
    print("locked", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_refused_and_the_first_named(tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = [sys.executable, "-c", HOLD, str(run)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None and first.stdout.readline() == "locked\n"
        with (
            pytest.raises(OutputError, match=rf"run: in use by process {first.pid}"),
            files.locked_folder(run),
        ):
            pass
        first.communicate("")
    assert names_in(run) == []
    with files.locked_folder(run) as folder:
        assert folder == run


def test_a_killed_process_holds_no_lock(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None and first.stdout.readline() == "locked\n"
        first.kill()
    with files.locked_folder(tmp_path):
        pass
    assert names_in(tmp_path) == []
