"""Build an image of generated networks for an emulated core, boot it, and read its report."""

from __future__ import annotations

import string
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.errors import ToolError
from ecg_edge.quantize.bench.cores import OPTIMIZE, RUNTIME, Core
from ecg_edge.quantize.bundle.compile import ECG_NN_INCLUDES, ecg_nn_sources
from ecg_edge.quantize.codegen.generate import Generated

Int8Array = npt.NDArray[np.int8]

TIMEOUT_S = 120
CALIBRATION_SLACK = 12  # instructions: the call of the loop, and a tick that falls between two


@dataclass(frozen=True)
class Case:
    """One run: the network's number, its inputs in the order of their names, and the layers expected."""

    network: int
    inputs: Sequence[Int8Array]
    layers: Sequence[Int8Array]


@dataclass(frozen=True)
class EmulatorRun:
    """Report of an image that ran on a core.

    Attributes
    ----------
    differing : int
        Bytes of outputs that are not those expected; of layers too when the image was traced.
    instructions : float
        Of one run, from call to return; mean over the cases.
    stack_bytes : int
        The most stack of a run.
    layers : float array, (layers,)
        Instructions of each layer, mean over the cases; empty unless the image was traced.
    layers_differing : int array, (layers,)
        Bytes of each layer that are not those expected.
    calibration : tuple of int, float
        Instructions of a loop of known length, and what the counter made of them.
    """

    differing: int
    instructions: float
    stack_bytes: int
    layers: npt.NDArray[np.float64]
    layers_differing: npt.NDArray[np.int64]
    calibration: tuple[int, float]


def run_on(
    core: Core,
    networks: Sequence[Generated],
    cases: Sequence[Case],
    folder: Path,
    *,
    traced: bool = True,
    extra: Sequence[str] = (),
) -> EmulatorRun:
    """Build one image with all networks and cases, boot it, and read its report.

    Parameters
    ----------
    core : Core
        Where to run.
    networks : sequence of Generated
        The networks; each case names one by its place.
    cases : sequence of Case
        What to run, in this order.
    folder : Path
        For the files of the build; objects of the kernels found there are used again.
    traced : bool
        Compare and count every layer; else only outputs and the whole run.
    extra : sequence of str
        More flags for the compiler.

    Raises
    ------
    ToolError
        A compiler or emulator is missing or fails, or its counter is not what this program expects.
    """
    return boot(core, build(core, networks, cases, folder, traced=traced, extra=extra), len(cases))


def build(
    core: Core,
    networks: Sequence[Generated],
    cases: Sequence[Case],
    folder: Path,
    *,
    traced: bool = True,
    extra: Sequence[str] = (),
) -> Path:
    """Build an image; see `run_on`."""
    require_tools(core)
    _require_different_names(networks)
    includes = [f"-I{path}" for path in (*ECG_NN_INCLUDES, RUNTIME)]
    flags = [*core.flags, *OPTIMIZE, "-std=c99", *extra, *includes]
    work = folder / ("traced" if traced else "plain")
    work.mkdir(parents=True, exist_ok=True)
    trace = ["-DECG_NN_TRACE"] if traced else []
    objects = []
    for generated in networks:
        generated.write(work / generated.name)
        source = work / generated.name / "network.c"
        objects.append(_compile(core, [*flags, *trace], source, source.parent))
    for name, text in (("cases", _cases_source(networks, cases)), ("arena", _arena_source(networks))):
        (work / f"{name}.c").write_text(text, encoding="utf-8")
        objects.append(_compile(core, flags, work / f"{name}.c", work))
    objects += _runtime_objects(core, flags, folder) + _kernel_objects(core, flags, folder)
    return _link(core, objects, work)


def _require_different_names(networks: Sequence[Generated]) -> None:
    names = [generated.name for generated in networks]
    if len(set(names)) != len(names):
        raise ToolError(
            f"two networks of one image have the same name ({', '.join(names)}). Generate each with its own."
        )


def require_tools(core: Core) -> None:
    """Check that this computer has the core's compiler and emulator."""
    if core.missing():
        raise ToolError(core.what_to_install())


def boot(core: Core, image: Path, cases: int) -> EmulatorRun:
    """Boot an image that has so many cases, and read its report."""
    command = [*core.qemu, "-display", "none", "-monitor", "none", "-serial", "none"]
    command += ["-icount", f"shift={core.shift}", "-kernel", str(image)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise ToolError(f"{core.title}: {core.qemu[0]} did not end within {TIMEOUT_S} s.") from None
    text = done.stdout + done.stderr  # semihosting writes to either, by version
    lines = [line.split() for line in text.splitlines()]
    if ["end"] not in lines:
        raise ToolError(
            f"{core.title}: the program did not end in {' '.join(core.qemu[:3])}: {text.strip()[-500:]}"
        )
    return _outcome(
        core, [(words[0], [int(n) for n in words[1:]]) for words in lines if len(words) == 3], cases
    )


def _outcome(core: Core, lines: list[tuple[str, list[int]]], cases: int) -> EmulatorRun:
    (known, ticks), (runs, run_ticks), (differing, stack) = (
        next(numbers for name, numbers in lines if name == wanted)
        for wanted in ("calibration", "run", "output")
    )
    counted = core.instructions(ticks)
    if abs(counted - known) > CALIBRATION_SLACK or runs != cases:
        raise ToolError(
            f"{core.title}: a loop of {known} instructions counts as {counted:.0f}, and {runs} of {cases} "
            f"cases ran: this {core.qemu[0]} does not count as the one of version 7.2 does."
        )
    layers = np.array([numbers for name, numbers in lines if name == "layer"], np.int64).reshape(-1, 2)
    return EmulatorRun(
        differing=differing + int(layers[:, 0].sum()),
        instructions=core.instructions(run_ticks) / runs,
        stack_bytes=stack,
        layers=np.array([core.instructions(int(n)) / runs for n in layers[:, 1]]),
        layers_differing=layers[:, 0],
        calibration=(known, counted),
    )


def _runtime_objects(core: Core, flags: list[str], folder: Path) -> list[Path]:
    board = [*flags, f"-DTICK_BITS={core.tick_bits}"]
    return [
        _compile(core, board, RUNTIME / "harness.c", folder / "runtime"),
        *(_compile(core, board, RUNTIME / name, folder / "runtime") for name in core.runtime),
    ]


def _kernel_objects(core: Core, flags: list[str], folder: Path) -> list[Path]:
    """Compiled once for all images of a folder."""
    return [_compile(core, flags, source, folder / "kernels", keep=True) for source in ecg_nn_sources()]


def _compile(core: Core, flags: Sequence[str], source: Path, folder: Path, *, keep: bool = False) -> Path:
    made = folder / f"{source.stem}.o"
    if keep and made.is_file():
        return made
    folder.mkdir(parents=True, exist_ok=True)
    _run(core, [core.compiler, *flags, "-c", str(source), "-o", str(made)])
    return made


def _link(core: Core, objects: Sequence[Path], work: Path) -> Path:
    script, image = work / "link.ld", work / "image.elf"
    template = string.Template((RUNTIME / "link.ld").read_text(encoding="utf-8"))
    (flash, flash_bytes), (ram, ram_bytes) = core.flash, core.ram
    places = {"flash": flash, "flash_bytes": flash_bytes, "ram": ram, "ram_bytes": ram_bytes}
    script.write_text(template.substitute(places, start=Path(core.runtime[0]).stem), encoding="utf-8")
    command = [core.compiler, *core.flags, "-nostartfiles", "-Wl,--gc-sections", f"-T{script}"]
    _run(core, [*command, *map(str, objects), *core.link_flags, "-o", str(image)])
    return image


def _run(core: Core, command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ToolError(f"{core.title}: {command[0]} failed:\n{done.stderr.strip()[:2000]}")


def _cases_source(networks: Sequence[Generated], cases: Sequence[Case]) -> str:
    sizes = [sum(_output_sizes(generated)) for generated in networks]
    parts = [
        '#include "board.h"\n#include "harness.h"\n',
        *(f'#include "{generated.name}/network.h"' for generated in networks),
        "extern int32_t arena[];",
        *(_case_data(number, case) for number, case in enumerate(cases)),
        f"static int8_t output[{max(sizes) + 1}];\n",
        "void harness_run_cases(void) {",
        *(_case_call(networks[case.network], number, case) for number, case in enumerate(cases)),
        "}\n",
    ]
    return "\n".join(parts)


def _arena_source(networks: Sequence[Generated]) -> str:
    """One arena for all networks, in a file of its own so that it counts as the engine's memory."""
    words = max(generated.plan.arena_bytes for generated in networks) // 4
    return f"#include <stdint.h>\n\nextern int32_t arena[];\nint32_t arena[{max(words, 1)}];\n"


def _case_data(number: int, case: Case) -> str:
    arrays = {f"in{number}_{place}": values for place, values in enumerate(case.inputs)}
    arrays[f"layers{number}"] = np.concatenate([layer.reshape(-1) for layer in case.layers])
    return "\n".join(
        f"static const int8_t {name}[] = {{{', '.join(map(str, values.reshape(-1)))}}};"
        for name, values in arrays.items()
    )


def _output_sizes(generated: Generated) -> list[int]:
    network = generated.program.network
    return [network.tensors[index].elements for index in network.outputs.values()]


def _case_call(generated: Generated, number: int, case: Case) -> str:
    """One run; each output is compared with the layer that writes it."""
    starts = np.cumsum([0, *_output_sizes(generated)])
    inputs = ", ".join(f"in{number}_{place}" for place in range(len(case.inputs)))
    outputs = ", ".join(f"output + {start}" for start in starts[:-1])
    lines = [
        f"    static const int8_t *const inputs{number}[] = {{{inputs}}};",
        f"    static int8_t *const outputs{number}[] = {{{outputs}}};",
        f"    harness_begin(layers{number}, board_stack_pointer());",
        f"    {generated.name}_run(arena, inputs{number}, outputs{number});",
        "    harness_end();",
    ]
    for place, (at, size) in enumerate(_output_layers(generated)):
        lines.append(f"    harness_check(output + {starts[place]}, layers{number} + {at}, {size});")
    return "\n".join(lines)


def _output_layers(generated: Generated) -> list[tuple[int, int]]:
    """Find the position of each output among the bytes of all layers, and its size."""
    network = generated.program.network
    sizes = [network.tensors[operator.outputs[0]].elements for operator in network.operators]
    starts = np.cumsum([0, *sizes])
    by_tensor = {operator.outputs[0]: operator.index for operator in network.operators}
    return [(int(starts[by_tensor[i]]), sizes[by_tensor[i]]) for i in network.outputs.values()]
