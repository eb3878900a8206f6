"""Replay to a device with a second network: its results are compared, shown and part of the verdict."""

from __future__ import annotations

import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecg_edge.ecg.errors import BundleError, LinkError
from ecg_edge.firmware import process_signal, strips
from ecg_edge.host.cli.commands.replay import morphology_table
from ecg_edge.host.conformance import replay as replay_module
from ecg_edge.host.conformance.folder import STRIPS_NAME
from ecg_edge.host.conformance.replay import ReplayResult, replay
from ecg_edge.host.conformance.results import MORPHOLOGY_CAUTION, summary_of
from ecg_edge.host.conformance.strips_csv import read_strips
from ecg_edge.host.devices.simulator import Faults
from ecg_edge.host.evaluation.sources import Conditions
from ecg_edge.host.link.messages import LABEL_UNCLASSIFIABLE
from ecg_edge.host.reference import labels as labels_module
from ecg_edge.host.reference.morphology import (
    MorphologyModel,
    MorphologyStream,
    count_labels,
    expect_morphology,
    reference_morphology,
)
from ecg_edge.host.report.html import write_report
from ecg_edge.quantize.bundle.manifest import Bundle
from tests.support.simulated import (
    MORPHOLOGY_LABELS,
    HashEngine,
    device_on_a_socket,
    make_bundle,
    make_database,
    make_ecg,
)

STRIPS = 11  # of a minute: the first after 10 s, then every 5 s
MODEL = MorphologyModel(HashEngine(), MORPHOLOGY_LABELS)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two records of a minute."""
    return make_database(tmp_path_factory.mktemp("data"))


@pytest.fixture
def bundles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Bundle, Bundle]:
    """A beat classifier and a morphology network whose references are hash engines."""
    monkeypatch.setattr(replay_module, "reference_engine", lambda bundle: HashEngine())
    monkeypatch.setattr(replay_module, "reference_morphology", lambda bundle: MODEL)
    return make_bundle(tmp_path / "beats"), make_bundle(tmp_path / "shape", strips=True)


def run(
    bundles: tuple[Bundle, Bundle], database: Path, faults: Faults | None = None, **options: Any
) -> ReplayResult:
    """Replay both records to a simulated device that holds both networks."""
    first, second = bundles
    with device_on_a_socket(first, faults, second) as port:
        settings = {"bundle_path": first.path, "morphology_path": second.path, "data": database}
        out = first.path.parent / "session"
        return replay(["100", "101"], port=port, out=out, **{**settings, **options})


def test_a_device_in_agreement_passes(bundles: tuple[Bundle, Bundle], database: Path) -> None:
    outcome = run(bundles, database)
    results = outcome.results
    assert outcome.passed and (results["strips"], results["agreeing_strips"]) == (2 * STRIPS, 2 * STRIPS)
    assert results["morphology_sha256"] == bundles[1].manifest.model_sha256
    assert f"all {2 * STRIPS} strip results are equal" in summary_of(results)
    for record in results["records"]:
        assert sum(record["morphology"].values()) == STRIPS and not record["first_strip_differences"]


@pytest.mark.parametrize("fs_hz", [250, 500])
def test_it_agrees_at_the_rates_of_other_boards(
    bundles: tuple[Bundle, Bundle], database: Path, fs_hz: int
) -> None:
    outcome = run(bundles, database, seconds=21.0, conditions=Conditions(fs_hz=fs_hz))
    assert outcome.passed and outcome.results["strips"] == 2 * 3


@pytest.mark.parametrize(
    ("faults", "name", "wrong_bytes"),
    [
        (Faults(wrong_strips={3}), "differing_strips", 1),
        (Faults(dropped_strips={4}), "lost_strips", 5),
    ],
)
def test_a_wrong_or_lost_result_fails(
    bundles: tuple[Bundle, Bundle], database: Path, faults: Faults, name: str, wrong_bytes: int
) -> None:
    outcome = run(bundles, database, faults)
    results = outcome.results
    assert not outcome.passed and results["verdict"] == "fail"
    assert (results["differing_bytes"], results["lost_beats"], results["differing_events"]) == (0, 0, 0)
    assert (results[name], results["differing_strip_bytes"]) == (2, 2 * wrong_bytes)  # type: ignore[literal-required]
    assert f"2 of {2 * STRIPS} strip results" in summary_of(results)
    (difference,) = results["records"][0]["first_strip_differences"]
    assert difference["expected"] != difference["device"]


def test_results_that_the_line_damaged_come_in_another_pass(
    bundles: tuple[Bundle, Bundle], database: Path
) -> None:
    outcome = run(bundles, database, Faults(damaged_replies=set(range(20, 200, 3))))
    assert outcome.passed and outcome.results["agreeing_strips"] == 2 * STRIPS
    assert outcome.results["link"]["passes"] > 2 and outcome.results["link"]["bad_frames"] > 50


def test_results_are_kept_for_people(bundles: tuple[Bundle, Bundle], database: Path) -> None:
    outcome = run(bundles, database)
    kept = read_strips(outcome.session.folder / STRIPS_NAME, MORPHOLOGY_LABELS)
    assert kept == {("mitdb", r.record.name): r.progress.strips for r in outcome.session.runs}
    page = write_report(outcome.session.folder, data=database).read_text(encoding="utf-8")
    counts = outcome.results["records"][0]["morphology"]
    assert "Morphology" in page and MORPHOLOGY_CAUTION in page and all(name in page for name in counts)


def test_its_table_fits_and_warns(bundles: tuple[Bundle, Bundle], database: Path) -> None:
    outcome = run(bundles, database)
    for record in outcome.results["records"]:
        record["morphology"] = {"st-depression": STRIPS}
    table = morphology_table(outcome.results)
    assert table.columns[-1] == "st-depression" and "normal" not in table.columns
    assert "Labels of no strip: normal, arrhythmia," in table.note and "not to be relied on" in table.note


def test_without_it_named_its_results_are_not_compared(
    bundles: tuple[Bundle, Bundle], database: Path
) -> None:
    outcome = run(bundles, database, Faults(wrong_strips={3}), morphology_path=None)
    results = outcome.results
    assert outcome.passed and results["morphology"] is None and results["strips"] == 0
    assert sum(results["records"][0]["morphology"].values()) == STRIPS


@pytest.mark.parametrize(
    ("info", "text"),
    [
        ({"morphology_sha256": ""}, r"holds no morphology network, but .*--morphology none"),
        ({"morphology_sha256": "77" * 32}, "holds the morphology network 7777"),
        ({"strip_fingerprint": 0xABCD}, "makes strips 0000abcd"),
        ({"morphology_labels": ("up", "down")}, "labels strips up,down"),
    ],
)
def test_another_second_network_is_refused(
    bundles: tuple[Bundle, Bundle], database: Path, info: dict[str, Any], text: str
) -> None:
    first, second = bundles
    paths = {"bundle_path": first.path, "morphology_path": second.path}
    with (
        device_on_a_socket(first, None, second, **info) as port,
        pytest.raises(LinkError, match=text),
    ):
        replay(["100"], port=port, data=database, out=first.path.parent / "session", **paths)


def test_a_beat_classifier_is_no_morphology_network(bundles: tuple[Bundle, Bundle], database: Path) -> None:
    path = bundles[0].path
    with pytest.raises(BundleError, match="one input strip"):
        replay(["100"], port="no-port", bundle_path=path, morphology_path=path, data=database)


def test_other_strips_on_this_computer_are_refused(
    bundles: tuple[Bundle, Bundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labels_module, "strip_fingerprint", lambda: 1)
    with pytest.raises(BundleError, match="this computer's is 00000001"):
        reference_morphology(bundles[1])


# ---- the reference ------------------------------------------------------------------------------------


def test_a_strip_that_holds_bad_signal_has_no_label() -> None:
    samples, _ = make_ecg(60.0)
    samples[7200:9000] = 900  # 20 to 25 s: flat
    changes = process_signal(samples).changes
    begin, end = changes["sample"].tolist()
    results = expect_morphology(samples, 200, 360, changes, MODEL)
    found = strips(samples)
    assert [result.input_crc32 for result in results] == [
        zlib.crc32(one.tobytes()) for one in found["points"]
    ]
    for result in results:
        overlaps = begin <= result.sample and end > result.sample - 3600
        assert (result.label == LABEL_UNCLASSIFIABLE) == overlaps
    assert count_labels(results, MORPHOLOGY_LABELS)["unclassifiable"] == 4


def test_blocks_of_any_size_give_the_same_results() -> None:
    samples, _ = make_ecg(40.0)
    samples[5000:6000] += np.random.default_rng(1).integers(-800, 800, 1000).astype(np.int16)
    changes = process_signal(samples).changes
    whole = expect_morphology(samples, 200, 360, changes, MODEL)
    stream, parts = MorphologyStream(MODEL, 200, 360), []
    for start in range(0, len(samples), 77):
        block = samples[start : start + 77]
        known = changes[changes["sample"] < start + len(block)]
        parts += stream.take(block, known)
    assert [*parts, *stream.finish(changes)] == whole and len(parts) == len(whole) - 1
    assert [replace(result, label=0) for result in parts] == [replace(r, label=0) for r in whole[:-1]]
