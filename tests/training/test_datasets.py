"""Training set and evaluation sets of a recipe."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecg_edge.ecg.errors import RecipeError, RecordError
from ecg_edge.ecg.records import load_record
from ecg_edge.training.beats import load_beats
from ecg_edge.training.datasets import evaluation_sets, extra_beats, missing_extra, split_of, training_beats
from ecg_edge.training.other_leads import mix
from ecg_edge.training.recipes import Data, Recipe, load_recipe
from tests.support.simulated import make_database, make_ecg

RECIPE = Recipe("trial", data=Data(database="synth", peaks="annotated"))


def keys(beats: object) -> set[tuple[str, int]]:
    return set(zip(beats.records.tolist(), beats.features["r_sample"].tolist(), strict=True))


def test_by_patient_the_sets_have_no_record_in_common(synthetic_root: Path) -> None:
    train, tests = training_beats(RECIPE, synthetic_root), evaluation_sets(RECIPE, synthetic_root)
    assert [test.protocol for test in tests] == [
        "synthetic ECG by patient, annotated peaks",
        "synthetic ECG by patient, detector in the loop",
    ]
    for test in tests:
        assert not set(train.records.tolist()) & set(test.beats.records.tolist())


def test_a_random_split_tests_the_asked_share_of_every_class(
    synthetic_root: Path,
) -> None:
    recipe = replace(
        RECIPE, data=Data(database="synth", split="random", peaks="annotated", test_fraction=0.25)
    )
    train, (test,) = training_beats(recipe, synthetic_root), evaluation_sets(recipe, synthetic_root)
    assert test.protocol == "synthetic ECG, random split, annotated peaks"
    assert not keys(train) & keys(test.beats)
    counts = np.array([np.bincount(beats.labels, minlength=5) for beats in (train, test.beats)])
    np.testing.assert_allclose(counts[1] / counts.sum(0), 0.25, atol=0.03)
    other = evaluation_sets(replace(recipe, seed=2), synthetic_root)[0]
    assert keys(other.beats) != keys(test.beats)


def test_both_takes_annotated_and_detected_beats(synthetic_root: Path) -> None:
    single = {
        p: training_beats(replace(RECIPE, data=replace(RECIPE.data, peaks=p)), synthetic_root)
        for p in ("annotated", "detected", "both")
    }
    assert len(single["both"]) == len(single["annotated"]) + len(single["detected"])


def test_a_record_of_neither_set_is_named(synthetic_root: Path) -> None:
    recipe = replace(RECIPE, data=replace(RECIPE.data, records=("s01", "s99", "s03")))
    with pytest.raises(RecipeError, match=r"data\.records.*s99"):
        training_beats(recipe, synthetic_root)


def test_a_set_without_records_is_an_error(synthetic_root: Path) -> None:
    recipe = replace(RECIPE, data=replace(RECIPE.data, records=("s01",)))
    with pytest.raises(RecipeError, match=r"no records to train or to test on"):
        training_beats(recipe, synthetic_root)


def test_a_missing_class_is_named(synthetic_root: Path) -> None:
    recipe = replace(RECIPE, data=replace(RECIPE.data, records=("s01", "s03")))
    with pytest.raises(RecordError, match=r"no beats of class L, R to train on"):
        training_beats(recipe, synthetic_root)


def test_a_subset_is_in_the_protocol_s_name(synthetic_root: Path) -> None:
    recipe = replace(RECIPE, data=replace(RECIPE.data, records=("s01", "s03")))
    assert (
        evaluation_sets(recipe, synthetic_root)[0].protocol
        == "synthetic ECG by patient (2 records only), annotated peaks"
    )


def test_a_further_database_trains_only_with_its_n_beats_thinned_out(
    synthetic_root: Path, tmp_path: Path
) -> None:
    """svdb's records here are synthetic ones under svdb's lead name, with S for A."""
    shutil.copytree(synthetic_root / "synth", tmp_path / "synth")
    shutil.copytree(synthetic_root / "synth", tmp_path / "svdb")
    for name in ("s02", "s04"):
        header = tmp_path / "svdb" / f"{name}.hea"
        header.write_text(header.read_text().replace("MLII", "ECG1"))
        record = load_record(tmp_path, "svdb", name, "ECG1")
        symbols = ["S" if symbol == "A" else symbol for symbol in record.beat_symbols.tolist()]
        wfdb.wrann(name, "atr", record.beat_samples, symbols, write_dir=str(tmp_path / "svdb"))
    for path in (tmp_path / "svdb").glob("s0[6-9]*"):
        path.unlink()
    plain, recipe = (
        training_beats(RECIPE, tmp_path),
        replace(RECIPE, data=replace(RECIPE.data, extra=("svdb",))),
    )
    more = training_beats(recipe, tmp_path)[len(plain) :]
    assert set(more.records.tolist()) == {"svdb/s02", "svdb/s04"}  # the records for development
    assert set(more.symbols.tolist()) == set("NLAV")
    thinned = replace(recipe, data=replace(recipe.data, keep_every_nth_normal=4))
    fewer = training_beats(thinned, tmp_path)[len(plain) :]
    assert abs(4 * sum(fewer.symbols == "N") - sum(more.symbols == "N")) < 40
    assert sum(fewer.symbols != "N") == sum(more.symbols != "N")
    tested = [beats for test in evaluation_sets(recipe, tmp_path) for beats in test.beats.records.tolist()]
    assert not any(name.startswith("svdb") for name in tested)


def test_n_of_a_database_without_conduction_may_be_n_l_or_r_and_made_up_patients_follow(
    tmp_path: Path, synthetic_root: Path
) -> None:
    folder = tmp_path / "svdb"
    folder.mkdir()
    for path in (synthetic_root / "synth").glob("s02.*"):
        shutil.copy(path, folder / path.name)
    data = Data(peaks="annotated", extra=("svdb", "made-up"), any_conduction=True)
    made, real = extra_beats(Recipe("any", data=data), tmp_path, ())
    assert {name.rpartition(":")[2] for name in made.records.tolist()} == {"svdb/s02"}
    assert len(set(made.records.tolist())) > 2
    for beats in (made, real):
        assert "N" not in set(beats.symbols.tolist())
        assert set(beats.labels[beats.any_conduction].tolist()) == {0}
    narrow = replace(data, any_conduction_from_ms=200.0)
    for beats in extra_beats(Recipe("wide", data=narrow), tmp_path, ()):
        assert not beats.any_conduction.any()


def test_with_the_split_all_every_patient_trains_and_none_tests(tmp_path: Path, synthetic_root: Path) -> None:
    """Records of DS1, of DS2 and of both halves of svdb; 102 is paced."""
    of = {"mitdb/201": "s01", "mitdb/232": "s04", "mitdb/102": "s02", "svdb/800": "s07", "svdb/801": "s03"}
    for name, source in of.items():
        for path in (synthetic_root / "synth").glob(f"{source}.*"):
            target = (tmp_path / name).with_suffix(path.suffix)
            target.parent.mkdir(exist_ok=True)
            text = path.read_bytes()
            own = path.stem.encode()
            target.write_bytes(text.replace(own, target.stem.encode()) if path.suffix == ".hea" else text)
    data = Data(split="all", peaks="annotated", extra=("svdb", "made-up"), records=("201", "232"))
    recipe = Recipe("every", data=data)
    beats = training_beats(recipe, tmp_path)
    people = {name.rpartition(":")[2] for name in beats.records.tolist()}
    assert people == {"201", "232", "mitdb/201", "mitdb/232", "svdb/800", "svdb/801"}
    assert evaluation_sets(recipe, tmp_path) == []
    by_patient = replace(recipe, data=replace(data, split="patient", records=("101", "232")))
    assert set(split_of(by_patient, tmp_path).test) == {"232"}
    with pytest.raises(RecipeError, match=r"data\.records.*102"):
        training_beats(replace(recipe, data=replace(data, records=("102",))), tmp_path)


def _with_leads(root: Path, signals: dict[str, np.ndarray], gains: dict[str, int]) -> None:
    """Write record 100 with these leads."""
    folder = make_database(root, ("100",)) / "mitdb"
    wfdb.wrsamp(
        "100",
        fs=360,
        units=["mV"] * len(signals),
        sig_name=list(signals),
        d_signal=np.stack(list(signals.values()), axis=1).astype(np.int64),
        fmt=["16"] * len(signals),
        adc_gain=[gains[name] for name in signals],
        baseline=[0] * len(signals),
        write_dir=str(folder),
    )


def test_the_second_lead_of_a_training_record_is_a_further_patient(tmp_path: Path) -> None:
    samples, peaks = make_ecg(60.0, 1)
    _with_leads(tmp_path, {"MLII": samples, "V5": -samples}, {"MLII": 200, "V5": 200})
    make_database(tmp_path, ("101",))  # one lead
    data = Data(peaks="annotated", extra=("second-lead",))
    (beats,) = extra_beats(Recipe("leads", data=data), tmp_path, ("100", "101"))
    assert set(beats.records.tolist()) == {"second-lead:mitdb/100"}
    assert 0.9 * len(peaks) < len(beats) <= len(peaks)
    upright = load_beats(tmp_path, "mitdb", ["100"], "annotated")
    assert np.corrcoef(beats.beat[20, :, 0], upright.beat[20, :, 0])[0, 1] < -0.95


def test_sum_and_difference_of_two_leads_are_a_further_patient(tmp_path: Path) -> None:
    """Two leads with one wave each: both waves add in the sum, and one is upside down in the difference."""
    samples, peaks = make_ecg(60.0, 1)
    later = np.roll(samples, 40) // 2
    _with_leads(tmp_path, {"MLII": samples, "V5": 2 * later}, {"MLII": 200, "V5": 400})
    data = Data(peaks="annotated", extra=("mixed-lead",))
    (beats,) = extra_beats(Recipe("leads", data=data), tmp_path, ("100",))
    assert set(beats.records.tolist()) == {"mixed-lead:mitdb/100"}
    assert 1.8 * len(peaks) < len(beats) <= 2 * len(peaks)
    one, other = (load_record(tmp_path, "mitdb", "100", lead, "atr") for lead in ("0", "1"))
    for sign in (1, -1):
        expected = (samples - np.median(samples) + sign * (later - np.median(later))) / np.sqrt(2)
        mixed = mix(one, other, sign)
        assert mixed.adu_per_mv == 200
        assert np.abs(mixed.samples - np.median(samples) - expected).max() <= 1


def test_a_mixed_lead_beyond_16_bits_is_clipped(tmp_path: Path) -> None:
    record = load_record(make_database(tmp_path, ("100",)), "mitdb", "100")
    record = replace(record, samples=np.array([0, 0, 30_000, -30_000], np.int16))
    assert mix(record, record, 1).samples.tolist() == [0, 0, 32767, -32768]
    assert mix(record, record, -1).samples.tolist() == [0, 0, 0, 0]


def test_noise_on_records_of_svdb_trains_as_its_patients(tmp_path: Path, synthetic_root: Path) -> None:
    for name in ("svdb", "nstdb"):
        (tmp_path / name).mkdir()
    for path in (synthetic_root / "synth").glob("s02.*"):
        shutil.copy(path, tmp_path / "svdb" / path.name.replace("s02", "802"))
    header = tmp_path / "svdb" / "802.hea"
    header.write_text(header.read_text().replace("s02", "802"))
    signals = np.random.default_rng(1).integers(-300, 300, (120 * 360, 2))
    wfdb.wrsamp(
        "em",
        fs=360,
        units=["mV"] * 2,
        sig_name=["noise1", "noise2"],
        d_signal=signals,
        fmt=["16"] * 2,
        adc_gain=[200] * 2,
        baseline=[0] * 2,
        write_dir=str(tmp_path / "nstdb"),
    )
    data = Data(peaks="detected", extra=("svdb", "nstdb-svdb"), false_detections=True)
    noisy, clean = extra_beats(Recipe("noise", data=data), tmp_path, ())
    assert set(noisy.records.tolist()) == {"noise:svdb/802"}
    assert set(clean.records.tolist()) == {"svdb/802"}
    assert len(noisy) == pytest.approx(len(clean), rel=0.4), "a fourth of the beats at four levels"
    assert missing_extra(Recipe("noise", data=data), tmp_path) == ()
    shutil.rmtree(tmp_path / "svdb")
    assert missing_extra(Recipe("noise", data=data), tmp_path) == ("svdb", "nstdb-svdb")


def test_a_further_database_that_is_missing_is_left_out_and_named(synthetic_root: Path) -> None:
    recipe = replace(RECIPE, data=replace(RECIPE.data, extra=("svdb",)))
    assert missing_extra(recipe, synthetic_root) == ("svdb",)
    assert len(training_beats(recipe, synthetic_root)) == len(training_beats(RECIPE, synthetic_root))


def test_synthetic_ecg_trains_beside_records_but_never_beside_itself(
    tmp_path: Path, synthetic_root: Path
) -> None:
    shutil.copytree(synthetic_root / "synth", tmp_path / "synth")
    recipe = replace(RECIPE, data=Data(peaks="annotated", extra=("synth",), keep_every_nth_normal=2))
    (beats,) = extra_beats(recipe, tmp_path, ())
    assert set(beats.symbols.tolist()) == set("NLRAV")
    assert all(name.startswith("synth/") for name in beats.records.tolist())
    assert missing_extra(recipe, tmp_path) == ()
    path = tmp_path / "mine.toml"
    path.write_text('[data]\ndatabase = "synth"\nextra = ["synth"]\n')
    with pytest.raises(RecipeError, match=r'may not hold "synth" beside'):
        load_recipe(path)
