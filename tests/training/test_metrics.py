"""Figures from known confusions."""

from __future__ import annotations

import io
import json

import jsonschema
import numpy as np
import pytest
from rich.console import Console

from ecg_edge import firmware
from ecg_edge.ecg.files import PROJECT_ROOT
from ecg_edge.host.cli.tables import evaluation_tables
from ecg_edge.training.beats import Beats
from ecg_edge.training.datasets import EvaluationSet
from ecg_edge.training.metrics import EvaluationRow, score_protocol


def made_test(symbols: str) -> EvaluationSet:
    array = np.array([symbol if symbol != "." else "" for symbol in symbols])
    beats = Beats(np.zeros(len(array), firmware.BEAT_DTYPE), array, np.full(len(array), "100"))
    return EvaluationSet("a split, annotated peaks", "a split", "annotated", beats)


#                  annotated: N N N N L V V A F . Q ; predicted: N N L V L V N A V V V
FIGURES = score_protocol(made_test("NNNNLVVAF.Q"), "int8", np.array([0, 0, 1, 4, 1, 4, 0, 3, 4, 4, 4]))


def test_five_class_figures_leave_other_beats_out() -> None:
    assert FIGURES["n_beats"] == 8
    assert FIGURES["accuracy"] == pytest.approx(5 / 8)
    assert FIGURES["confusion"][0] == [2, 1, 0, 0, 1]
    assert FIGURES["per_class"]["N"] == {
        "n": 4,
        "se": 0.5,
        "ppv": pytest.approx(2 / 3),
        "f1": pytest.approx(4 / 7),
    }
    assert FIGURES["per_class"]["R"] == {"n": 0, "se": None, "ppv": None, "f1": None}


def test_macro_f1_is_the_mean_over_the_classes_that_occur() -> None:
    assert FIGURES["macro_f1"] == pytest.approx(np.mean([4 / 7, 2 / 3, 1.0, 1 / 2]))


def test_aami_figures_count_every_annotated_beat_and_do_not_blame_v_for_f_and_q() -> None:
    assert FIGURES["n_beats_aami"] == 10
    assert FIGURES["aami_confusion"] == [[4, 0, 1], [0, 1, 0], [1, 0, 1], [0, 0, 1], [0, 0, 1]]
    assert FIGURES["aami"]["V"] == {"n": 2, "se": 0.5, "ppv": 0.5}
    assert FIGURES["aami"]["S"] == {"n": 1, "se": 1.0, "ppv": 1.0}
    assert FIGURES["aami"]["N"] == {"n": 5, "se": 0.8, "ppv": 0.8}


def test_every_line_of_the_table_names_its_protocol() -> None:
    text = io.StringIO()
    Console(file=text, width=120).print(evaluation_tables([FIGURES]))
    lines = [line for line in text.getvalue().splitlines() if "a split" in line]
    assert len(lines) == 1 + 5 + 3
    assert all("a split, annotated peaks" in line for line in lines)
    assert "62.50" in lines[0]


SCHEMA = json.loads(
    (PROJECT_ROOT / "docs" / "reference" / "evaluation.schema.json").read_text(encoding="utf-8")
)


def test_rows_follow_the_published_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate([FIGURES], SCHEMA)
    assert set(SCHEMA["$defs"]["row"]["properties"]) == set(EvaluationRow.__annotations__)


@pytest.mark.parametrize(
    "change", [{"accuracy": 62.5}, {"engine": "float unpruned"}, {"macro_f1": "0.5"}, {"x": 1}]
)
def test_the_schema_refuses_other_rows(change: dict[str, object]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate([{**FIGURES, **change}], SCHEMA)


def test_record_averages_weigh_every_record_alike() -> None:
    # Record 1: 8 beats N, 2 predicted V. Record 2: N and V, both correct. Record 3: one V, predicted N.
    symbols = np.array(list("NNNNNNNN" + "NV" + "V"))
    records = np.array(["1"] * 8 + ["2"] * 2 + ["3"])
    beats = Beats(np.zeros(11, firmware.BEAT_DTYPE), symbols, records)
    test = EvaluationSet("p", "s", "annotated", beats)
    row = score_protocol(test, "int8", np.array([0] * 6 + [4] * 2 + [0, 4] + [0]))
    average = row["record_average"]
    assert row["accuracy"] == pytest.approx(8 / 11)
    assert average["accuracy"] == pytest.approx((6 / 8 + 1 + 0) / 3)
    assert row["per_class"]["V"]["se"] == pytest.approx(1 / 2)
    assert average["per_class"]["V"] == {"se": pytest.approx((1 + 0) / 2), "ppv": 1.0}
    assert average["per_class"]["N"] == {"se": pytest.approx((6 / 8 + 1) / 2), "ppv": 1.0}
    assert average["per_class"]["L"] == {"se": None, "ppv": None}
    assert average["aami"]["V"] == average["per_class"]["V"]
    n_of_record_1 = 2 * 6 / (8 + 6)
    assert average["macro_f1"] == pytest.approx((n_of_record_1 + 1 + 0) / 3)
