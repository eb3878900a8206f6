"""The database of virtual patients."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ecg_edge.ecg.databases import records_in
from ecg_edge.ecg.errors import SynthesisError
from ecg_edge.ecg.records import load_record
from ecg_edge.ecg.synthetic import population
from ecg_edge.ecg.synthetic.generator import Settings, generate


def test_three_patients_have_all_classes_of_beats(tmp_path: Path) -> None:
    names = population.make_virtual_patients(tmp_path, patients=3, minutes=0.5)
    assert set(names) == set(records_in(tmp_path, population.DATABASE)) and len(names) == 9
    records = [load_record(tmp_path, population.DATABASE, name) for name in names]
    of_patient = [set("".join("".join(r.beat_symbols) for r in records[i : i + 3])) for i in (0, 3, 6)]
    assert [found & set("NLR") for found in of_patient] == [{"N"}, {"L"}, {"R"}]
    assert all({"A", "V"} <= found for found in of_patient)
    assert {record.fs_hz for record in records} == {360}


def test_the_records_of_a_patient_share_his_name() -> None:
    names = [population.record_name(one) for n in (0, 1) for one in population.settings_of(n)]
    assert population.patients_of(np.array(names)).tolist() == ["40000000"] * 3 + ["40000001"] * 3


def test_conduction_overrides_the_class_s() -> None:
    record = generate(Settings("ventricular-premature", seed=3, conduction="L"), 60)
    assert {beat.symbol for beat in record.truth.beats} == {"L", "V"}
    with pytest.raises(SynthesisError, match=r"conduction 'X'"):
        Settings(conduction="X")
