"""The generator: a `.tflite` file in, network.h and network.c out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from ecg_edge.quantize.codegen.emit import emit_header, emit_source
from ecg_edge.quantize.codegen.lower import lower
from ecg_edge.quantize.codegen.plan import Plan, plan_arena
from ecg_edge.quantize.codegen.program import Form, Program, UnsupportedError
from ecg_edge.quantize.flatbuffer import parse_network


@dataclass(frozen=True)
class Generated:
    """The generated engine: file texts, and what they were made from.

    Attributes
    ----------
    programs : dict of Form to Program
        The schedule of each form of the kernels. The operators and the arena are the same in all.
    """

    header: str
    source: str
    programs: dict[Form, Program]
    plan: Plan

    @property
    def program(self) -> Program:
        """The schedule of the portable form."""
        return self.programs[Form.PORTABLE]

    def write(self, folder: Path) -> None:
        """Write network.h and network.c."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "network.h").write_text(self.header, encoding="utf-8")
        (folder / "network.c").write_text(self.source, encoding="utf-8")


def generate(model: bytes, where: str = "model") -> Generated:
    """Generate the engine of a network; the same bytes always give the same text.

    Parameters
    ----------
    model : bytes
        A `.tflite` file.
    where : str
        Its name in error messages.

    Raises
    ------
    BundleError
        The file is damaged.
    UnsupportedError
        An operator, type, shape or quantization has no kernel; the message names it.
    """
    network = parse_network(model, where)
    try:
        programs = {form: lower(network, form) for form in Form}
    except UnsupportedError as error:
        raise UnsupportedError(f"{where}: {error}") from None
    plan = plan_arena(programs[Form.PORTABLE])
    sha256 = hashlib.sha256(model).hexdigest()
    header, source = emit_header(programs, plan, sha256), emit_source(programs, plan, sha256)
    return Generated(header, source, programs, plan)
