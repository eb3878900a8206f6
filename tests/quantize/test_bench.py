"""`ecg-edge bench`: its counters, its comparison, its figures, and cores that it cannot run."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from ecg_edge.ecg.errors import BundleError, ComparisonError, ToolError
from ecg_edge.host.cli.main import app
from ecg_edge.quantize.bench import run as matrix
from ecg_edge.quantize.bench.cores import CORES, M3, M4, RV32, Core
from ecg_edge.quantize.bench.image import CALIBRATION_SLACK, run_on
from ecg_edge.quantize.bench.measure import Subject, default_models, load_subject, measure
from ecg_edge.quantize.bench.projection import load_boards, project
from ecg_edge.quantize.bench.reference import host_layers, tflm_layers
from ecg_edge.quantize.bundle.manifest import SHIPPED_MORPHOLOGY

FIGURES = {
    "model",
    "core",
    "form",
    "flags",
    "instructions",
    "macs",
    "code_bytes",
    "weight_bytes",
    "ram_bytes",
    "stack_bytes",
    "same_bits",
    "layers",
}
LAYER = {"index", "operator", "instructions", "macs", "same_bits"}
WITHOUT_TOOLS = dataclasses.replace(M4, name="none", prefix="no-such-compiler-")


def needs(core: Core) -> None:
    """Skip where the core's compiler or emulator is missing."""
    if core.missing():
        pytest.skip(f"{' and '.join(core.missing())} not installed")


@pytest.fixture(scope="module")
def subject() -> Subject:
    """The shipped network."""
    return load_subject(default_models()[-1])


@pytest.fixture(scope="module")
def m4_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the kernels of the M4 are compiled once."""
    return tmp_path_factory.mktemp("m4")


@pytest.mark.device
@pytest.mark.parametrize("core", CORES.values(), ids=CORES)
def test_counter_of_a_core_counts_a_loop_of_known_length(
    core: Core, subject: Subject, tmp_path: Path
) -> None:
    needs(core)
    outcome = run_on(core, [subject.generated], subject.cases[:1], tmp_path)
    known, counted = outcome.calibration
    assert known == 20_000
    assert abs(counted - known) < CALIBRATION_SLACK
    assert outcome.layers.sum() == pytest.approx(outcome.instructions, abs=50)


@pytest.mark.device
def test_counter_that_runs_otherwise_is_refused(subject: Subject, m4_folder: Path) -> None:
    needs(M4)
    slower = dataclasses.replace(M4, tick_ns=2 * M4.tick_ns)
    with pytest.raises(ToolError, match="a loop of 20000 instructions counts as 4000"):
        run_on(slower, [subject.generated], subject.cases[:1], m4_folder)


@pytest.mark.device
def test_network_too_long_for_the_counter_is_refused(subject: Subject, m4_folder: Path) -> None:
    needs(M4)
    with pytest.raises(ToolError, match="counter holds 40959"):
        measure(subject, dataclasses.replace(M4, tick_bits=16), m4_folder)


@pytest.mark.device
def test_a_run_longer_than_the_counter_is_counted_where_each_layer_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs(M3)
    monkeypatch.setattr("ecg_edge.quantize.bench.measure._MOST_PER_MAC", 6)
    short = dataclasses.replace(M3, tick_bits=23)
    found = measure(load_subject(SHIPPED_MORPHOLOGY), short, tmp_path)
    layers = sum(layer.instructions for layer in found.layers)
    longest = max(layer.instructions for layer in found.layers)
    assert found.instructions > short.most_instructions > longest
    assert found.same_bits and found.instructions == pytest.approx(layers, rel=0.01)


@pytest.mark.device
def test_one_other_byte_is_seen_in_its_layer(subject: Subject, m4_folder: Path) -> None:
    needs(M4)
    layers = [layer.copy() for layer in subject.cases[0].layers]
    layers[2][5] ^= 1
    wrong = dataclasses.replace(
        subject, cases=(dataclasses.replace(subject.cases[0], layers=layers), *subject.cases[1:])
    )
    figures = measure(wrong, M4, m4_folder)
    assert not figures.same_bits
    assert [layer.index for layer in figures.layers if not layer.same_bits] == [2]


@pytest.mark.device
def test_command_writes_every_figure(shipped_bundle: Path, subject: Subject, tmp_path: Path) -> None:
    needs(M4)
    report = run_command("--models", str(shipped_bundle), "--cores", "m4", json_file=tmp_path / "b.json")
    (figures,) = report["figures"]
    assert set(figures) == FIGURES
    assert (figures["model"], figures["core"], figures["same_bits"]) == ("nlrav", "m4", True)
    assert (
        figures["macs"] == subject.generated.program.macs == sum(layer["macs"] for layer in figures["layers"])
    )
    assert all(set(layer) == LAYER for layer in figures["layers"])
    by_layer = sum(layer["instructions"] for layer in figures["layers"])
    assert by_layer == pytest.approx(figures["instructions"], rel=0.001)
    assert 1000 < figures["code_bytes"] < 6 * 1024
    assert figures["ram_bytes"] == subject.generated.plan.arena_bytes
    assert 9000 < figures["weight_bytes"] < 12_000
    assert 0 < figures["stack_bytes"] < 4096
    assert {projection["label"] for projection in report["projections"]} == {"projected"}
    assert set(report["tools"]) == {M4.compiler, M4.qemu[0]}


def run_command(*arguments: str, json_file: Path) -> Any:
    """`ecg-edge bench` in this process; its JSON."""
    done = CliRunner().invoke(app, ["bench", *arguments, "--json", str(json_file)])
    assert done.exit_code == 0, (done.output, done.exception)
    return json.loads(json_file.read_text(encoding="utf-8"))


def test_missing_tools_are_named_with_their_packages() -> None:
    assert "no-such-compiler-gcc" in WITHOUT_TOOLS.missing()
    with pytest.raises(ToolError, match=r"no-such-compiler-gcc .* apt-get install gcc-arm-none-eabi"):
        matrix.run(default_models(), [WITHOUT_TOOLS])


def test_a_measurement_of_nothing_is_no_pass() -> None:
    with pytest.raises(ToolError, match="no network"):
        matrix.run([], [M4])
    with pytest.raises(ComparisonError, match="nothing"):
        matrix.require_same_bits(matrix.Report((), (), {}, {}, {}, {}))


@pytest.mark.device
def test_cores_without_tools_are_left_out_and_the_others_run(shipped_bundle: Path) -> None:
    needs(M4)
    report = matrix.run([shipped_bundle], [WITHOUT_TOOLS, M4])
    assert [figures.core for figures in report.figures] == ["m4"]
    assert "apt-get install" in report.left_out["none"]


def test_unknown_cores_and_models_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"m5: no such core. There are: m0p, m3, m4"):
        matrix.choose_cores(["m4", "m5"])
    with pytest.raises(BundleError, match="cannot be read"):
        load_subject(tmp_path / "none.tflite")


def test_generated_c_on_this_computer_gives_tflms_layers(subject: Subject) -> None:
    pytest.importorskip("tflite_micro", reason="the tflite-micro wheel is not installed")
    model = (default_models()[-1] / "model.tflite").read_bytes()
    names = subject.generated.program.network.inputs
    inputs = dict(zip(names, subject.cases[0].inputs, strict=True))
    expected = tflm_layers(model, subject.generated, inputs)
    for ours, reference in zip(host_layers(subject.generated, inputs), expected, strict=True):
        np.testing.assert_array_equal(ours, reference)


def test_boards_name_their_sources() -> None:
    for board in load_boards():
        assert board.core in CORES
        assert len(board.rate.source) > 20
        assert 0.5 < board.rate.cycles_per_mac < 20
        assert board.power is None or len(board.power.source) > 20


def test_projection_is_instructions_over_clock_and_published_cycles_per_mac() -> None:
    board = next(board for board in load_boards() if board.core == RV32.name and board.power)
    figures = matrix.Figures("n", "rv32", "portable", "", 1_600_000, 10**6, 1, 1, 1, 1, True, ())
    (projection,) = project([figures], [board])
    assert projection.least_ms == pytest.approx(10.0)  # 160 MHz
    assert projection.published_ms == pytest.approx(0.426 / 7_157_888 * 1e9, rel=1e-3)  # 426 ms, as published
    assert projection.least_uj == pytest.approx(660.0)  # 66 mW
