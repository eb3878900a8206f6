"""The generator: a `.tflite` file in, network.h and network.c out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from ecg_edge.quantize.codegen.arena import Plan, plan_arena
from ecg_edge.quantize.codegen.cost import Choice, Policy, choose
from ecg_edge.quantize.codegen.emit import emit_header, emit_source
from ecg_edge.quantize.codegen.flatbuffer import Network, parse_network
from ecg_edge.quantize.codegen.ir import KernelVariant, Program, UnsupportedError


@dataclass(frozen=True)
class Generated:
    """The generated engine: the texts of its files, and the programs that they were made from.

    Attributes
    ----------
    name : str
        Prefix of the C symbols.
    programs : dict of KernelVariant to Program
        The schedule of each form of the kernels. The operators and the arena are the same in all.
    choices : dict of KernelVariant to tuple of Choice
        Of each layer that has a dense and a sparse form: what they cost, and which was taken.
    """

    name: str
    header: str
    source: str
    programs: dict[KernelVariant, Program]
    plan: Plan
    choices: dict[KernelVariant, tuple[Choice, ...]]

    @property
    def program(self) -> Program:
        """The schedule of the portable form."""
        return self.programs[KernelVariant.PORTABLE]

    def write(self, folder: Path) -> None:
        """Write network.h and network.c."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "network.h").write_text(self.header, encoding="utf-8")
        (folder / "network.c").write_text(self.source, encoding="utf-8")


def generate(
    model: bytes, where: str = "model", policy: Policy = "cheapest", name: str = "network"
) -> Generated:
    """Generate the engine of a network; the same bytes always give the same text.

    Parameters
    ----------
    model : bytes
        A `.tflite` file.
    where : str
        Its name in error messages.
    policy : str
        Which layers take the sparse form: "cheapest" those that it pays for, "never" none, "always" all that
        have one.
    name : str
        Prefix of the C symbols: a C identifier in lower case.

    Raises
    ------
    BundleError
        The file is damaged.
    UnsupportedError
        An operator, type, shape or quantization has no kernel; the message names it.
    """
    network = parse_network(model, where)
    _check_types(network, where)
    try:
        chosen = {form: choose(network, form, policy) for form in KernelVariant}
    except UnsupportedError as error:
        raise UnsupportedError(f"{where}: {error}") from None
    programs = {form: program for form, (program, _) in chosen.items()}
    choices = {form: made for form, (_, made) in chosen.items()}
    plan = plan_arena(programs[KernelVariant.PORTABLE])
    sha256 = hashlib.sha256(model).hexdigest()
    header = emit_header(name, programs, plan, sha256)
    source = emit_source(name, programs, plan, sha256)
    return Generated(name, header, source, programs, plan, choices)


def _check_types(network: Network, where: str) -> None:
    """Check that inputs and outputs are int8: the converter's default is float32."""
    for kind, tensors in (("input", network.inputs), ("output", network.outputs)):
        for name, index in tensors.items():
            dtype = network.tensors[index].dtype
            if dtype != "int8":
                raise UnsupportedError(
                    f"{where}: {kind} {name} is {dtype}, not int8. Convert the model again with "
                    "converter.inference_input_type = tf.int8, converter.inference_output_type = tf.int8 and "
                    "a representative_dataset."
                )
