"""Two models in one program: prefixed symbols, inputs by name, one arena."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tflite_micro", reason="golden vectors come from the tflite-micro wheel")

from ecg_edge.ecg.errors import BundleError, ToolError
from ecg_edge.ecg.files import PROJECT_ROOT
from ecg_edge.quantize.bench.cores import M4
from ecg_edge.quantize.bench.image import Case, run_on
from ecg_edge.quantize.bench.reference import tflm_layers
from ecg_edge.quantize.bundle.compile import ecg_nn_sources, find_compiler
from ecg_edge.quantize.bundle.manifest import c_prefix
from ecg_edge.quantize.codegen.generate import generate
from tests.support.beat_network import beat_network, export_random
from tests.support.harness import INCLUDES, WARNINGS
from tests.support.random_networks import random_network

FIRMWARE = PROJECT_ROOT / "firmware" / "src"

MODEL_H = """
#include "first/c/model_info.h"
#include "first/c/network.h"
#include "second/c/model_info.h"
#include "second/c/network.h"
#define ECG_MODEL_ARENA_BYTES \\
    (FIRST_NET_ARENA_BYTES > SECOND_ARENA_BYTES ? FIRST_NET_ARENA_BYTES : SECOND_ARENA_BYTES)
"""

MAIN = r"""
#include <stdio.h>
#include <string.h>
#include "engine.h"
#include "model.h"
static int differing(const ecg_model_t *model, size_t vector) {
    const int8_t *beat = model->golden_inputs[0] + vector * model->inputs[0].bytes;
    const int8_t *rhythm = model->golden_inputs[1] + vector * model->inputs[1].bytes;
    /* In another order than the model's. */
    const engine_array_t arrays[] = {{"rhythm", rhythm, model->inputs[1].bytes},
                                     {"beat", beat, model->inputs[0].bytes}};
    const int8_t *inputs[ENGINE_MAX_INPUTS];
    int8_t logits[ENGINE_MAX_LABELS];
    if (!engine_bind(model, arrays, 2, inputs) || !engine_invoke(model, inputs, logits)) {
        return -1;
    }
    return memcmp(logits, model->golden_logits + vector * model->label_count, model->label_count) != 0;
}
int main(void) {
    const ecg_model_t *models[] = {&first_net_model, &second_model};
    for (size_t m = 0; m < 2; ++m) {
        printf("%s %d %d %s\n", models[m]->name, engine_init(models[m]), engine_is_intact(models[m]),
               models[m]->labels);
    }
    int wrong = 0;
    for (size_t vector = 0; vector < 8; ++vector) {
        wrong += differing(models[0], vector) + differing(models[1], vector);
    }
    const engine_array_t other[] = {{"beat", NULL, 255}, {"rr", NULL, 8}};
    const int8_t *inputs[ENGINE_MAX_INPUTS];
    printf("%d %d %d\n", wrong, engine_bind(models[0], other, 2, inputs),
           memcmp(models[0]->golden_logits, models[1]->golden_logits, 40) != 0);
    return 0;
}
"""


def test_two_models_run_in_one_program(tmp_path: Path) -> None:
    bundles = [export_random(tmp_path, "first-net", 1), export_random(tmp_path, "second", 2)]
    (tmp_path / "model.h").write_text(MODEL_H)
    (tmp_path / "main.c").write_text(MAIN)
    sources = [bundle.c_path / name for bundle in bundles for name in ("network.c", "model_info.c")]
    sources += [FIRMWARE / "engine_generated.c", FIRMWARE / "engine_bind.c", tmp_path / "main.c"]
    command = [find_compiler(), *WARNINGS, *INCLUDES, f"-I{tmp_path}", f"-I{FIRMWARE}"]
    command += [*map(str, [*sources, *ecg_nn_sources()]), "-o", str(tmp_path / "program")]
    subprocess.run(command, check=True)
    done = subprocess.run([str(tmp_path / "program")], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["first-net 1 1 N,L,R,A,V", "second 1 1 N,L,R,A,V", "0 0 1"]


@pytest.mark.device
def test_two_networks_run_in_one_bench_image(tmp_path: Path) -> None:
    if M4.missing():
        pytest.skip(f"{' and '.join(M4.missing())} not installed")
    models = [beat_network(1), random_network(9001)]
    networks = [generate(model, name=name) for model, name in zip(models, ("one", "two"), strict=True)]
    rng, cases = np.random.default_rng(4), []
    for number in (0, 1, 0):
        network = networks[number].program.network
        inputs = {
            name: rng.integers(-128, 128, network.tensors[index].elements).astype(np.int8)
            for name, index in network.inputs.items()
        }
        layers = tflm_layers(models[number], networks[number], inputs)
        cases.append(Case(number, list(inputs.values()), layers))
    assert run_on(M4, networks, cases, tmp_path, traced=False).differing == 0


def test_two_networks_of_one_name_are_refused(tmp_path: Path) -> None:
    if M4.missing():
        pytest.skip(f"{' and '.join(M4.missing())} not installed")
    with pytest.raises(ToolError, match="same name"):
        run_on(M4, [generate(beat_network(1)), generate(beat_network(2))], [], tmp_path)


@pytest.mark.parametrize(
    ("name", "prefix"), [("nlrav", "nlrav"), ("My Net-2.b", "my_net_2_b"), ("a", "a"), ("naïve", "na_ve")]
)
def test_a_bundles_name_becomes_the_prefix_of_its_symbols(name: str, prefix: str) -> None:
    assert c_prefix(name) == prefix


@pytest.mark.parametrize("name", ["", "2net", "_x", "µ", "ecg_nn", "ecg_nn_conv", "ecg_model"])
def test_a_name_that_gives_no_prefix_is_refused(name: str) -> None:
    with pytest.raises(BundleError, match="name"):
        c_prefix(name)
