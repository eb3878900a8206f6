"""Bad input: one line that names the input, an exit code, no traceback, and before anything slow."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecg_edge.host.cli import main as cli
from ecg_edge.quantize.bundle.manifest import SHIPPED_BUNDLE


@pytest.fixture
def plain_file(tmp_path: Path) -> Path:
    path = tmp_path / "plain"
    path.write_text("text")
    return path


def run(*words: str | Path) -> int:
    with pytest.raises(SystemExit) as stop:
        cli.main([str(word) for word in words])
    return int(stop.value.code or 0)


@pytest.mark.parametrize("suffix", [".h5", ".keras", ".onnx"])
def test_other_kinds_of_models_are_named(suffix: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("export", f"my{suffix}") == 2
    text = capsys.readouterr().err
    assert f"my{suffix}" in text and "int8 .tflite" in text and "model" in text


@pytest.mark.parametrize("option", ["--models", "--cores"])
def test_bench_of_nothing_is_refused(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("bench", option, " , ") == 2
    assert option in capsys.readouterr().err


def test_report_of_a_file_is_refused_at_once(plain_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("report", plain_file) == 2
    assert str(plain_file) in capsys.readouterr().err


@pytest.mark.parametrize("words", [("--out", "x.png"), ("--errors", "--plot", "x.pdf")])
def test_a_plot_below_a_file_is_refused(
    words: tuple[str, ...], plain_file: Path, records: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("plot", "100", "--data", records, *words[:-1], plain_file / words[-1]) == 2
    assert str(plain_file) in capsys.readouterr().err


def test_a_run_folder_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("replay", "100", "--run", "/nonexistent") == 2
    assert "/nonexistent" in capsys.readouterr().err


@pytest.mark.parametrize("number", ["inf", "-inf", "nan", "1e300"])
@pytest.mark.parametrize(
    "words",
    [
        ("monitor", "100", "--play"),
        ("bridge", "100", "--mqtt", "mqtt://localhost", "--play"),
        ("evaluate", "annotations", "100", "-t", "atr", "--start-s"),
        ("evaluate", "annotations", "100", "-t", "atr", "--match-window-ms"),
        ("evaluate", "detector", "100", "--start-s"),
    ],
)
def test_numbers_without_an_end_are_refused(
    words: tuple[str, ...], number: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*words, number) == 2
    text = capsys.readouterr().err
    assert "Invalid value" in text and words[-1] in text


@pytest.mark.parametrize("number", ["inf", "nan"])
@pytest.mark.parametrize(
    "words",
    [("replay", "100", "--seconds"), ("analyze", "x.csv", "--rate"), ("record", "auto", "o", "--seconds")],
)
def test_numbers_without_a_largest_value_are_finite(
    words: tuple[str, ...], number: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*words, number) == 2
    assert "Invalid value" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [("build", "--env", "native"), ("demo",), ("replay", "100", "--port", "simulator")]
)
@pytest.mark.parametrize(("path", "text"), [(SHIPPED_BUNDLE, "one input strip"), ("/none", "/none")])
def test_what_is_no_morphology_network_is_refused(
    words: tuple[str, ...], path: str | Path, text: str, records: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = () if words[0] == "build" else ("--data", records)
    assert run(*words, *data, "--morphology", path) == 2
    captured = capsys.readouterr()
    assert text in captured.err and "Building" not in captured.err


def test_an_image_that_is_no_elf_is_refused(plain_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("emulate", "--image", plain_file) == 2
    captured = capsys.readouterr()
    assert "ELF" in captured.err and "Running" not in captured.err and not captured.out


def test_a_file_that_cannot_be_read_names_the_file(
    plain_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise PermissionError(13, "Permission denied", str(plain_file))

    monkeypatch.setattr("ecg_edge.host.cli.commands.doctor.run_checks", fail)
    assert run("doctor") == 2
    assert str(plain_file) in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (("--seeds", "3"), "--seeds"),
        (("--jobs", "2"), "--jobs"),
        (("--dask", "tcp://127.0.0.1:1"), "--dask"),
        (("--folds", "patients5", "--cross-validate"), "--cross-validate"),
    ],
)
def test_options_of_folds_are_not_passed_over(
    words: tuple[str, ...], option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("train", "nlrav", *words) == 2
    error = capsys.readouterr().err
    assert option in error and "--folds" in error
