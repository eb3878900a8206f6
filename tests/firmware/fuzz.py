"""Coverage-guided fuzzing of the device's C under AddressSanitizer and UndefinedBehaviorSanitizer.

    python tests/firmware/fuzz.py 600         all targets at once for ten minutes (`make fuzz SECONDS=600`)
    python tests/firmware/fuzz.py 60 core     one of them

The targets are fuzz_*.c. Inputs that reach new code stay in build/fuzz/corpus, where the next run goes on.
Needs clang with libFuzzer and the sanitizers: `./setup.sh tests` installs both.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
OUT = ROOT / "build" / "fuzz"
TARGETS = ("core", "link", "rhythm")
MOST_BYTES = 2048
WARNINGS = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror")
SANITIZERS = ("-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all", "-g", "-O2")
ADVICE = "clang with libFuzzer and the sanitizers is missing: ./setup.sh tests installs both"

# A rhythm with noise and steps, raw samples, marks: so that a short run already gets to the beats.
SEEDS = {
    "core": (
        bytes((0, 0xFF, 0x00, 0x12, 110, 7, 0xA4, 5, 0xFF, 0x00, 0x12, 100, 7, 3, 0, 9, 0xFF, 0, 8, 90, 20)),
        bytes((1, 0xFF, 0x00, 0x12, 80, 5, 0xFC, 7, 0xFF, 0x00, 0xE0, 70, 9, 13, 0xFF, 0, 0x10, 60, 6)),
        # Once a finding: a jump in the last samples, which gave a beat after the end.
        bytes((0, 255, 16, 255, 16, 214, 255, 180, 21, 21, 47, 21, 23, 5, 0, 255, 0, 18, 110, 203, 62)),
        bytes((128, 0xFF, 0, 0x10, 90, 6, 6, 0x7F, 0, 0x10, 90, 6, 6, 6, 0x81, 6, 0xFF, 0, 0x10, 90, 6)),
    ),
    "link": (
        bytes((1, 1, 1, 1, 0, 2, 10, 1, 0, 0, 0, 0x68, 1, 200, 0, 60, 0, 0, 3, 8, 0, 0, 0, 0, 0, 1, 5, 0, 0)),
        bytes((0, 3, 1, 2, 3, 4, 0)),
    ),
    "rhythm": (bytes((0, 150, 2, 0, 0x20, 1, 9, 150, 0, 2, 0x20, 1, 0, 250, 99, 170, 1, 1, 0x90, 0, 200)),),
}


@dataclass(frozen=True)
class Run:
    """Result of a run.

    Attributes
    ----------
    executions : int
        Number of inputs tried.
    covered, counters : int
        Edges of the program that were reached, and all of them (those of the target's own checks too).
    finding : str
        Report of the sanitizers or of the target's checks, with the input's file; "" for none.
    """

    executions: int
    covered: int
    counters: int
    finding: str


def can_fuzz() -> bool:
    """Return True when this computer's clang can build a fuzzer."""
    if shutil.which("clang") is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "empty.c"
        source.write_text("int LLVMFuzzerTestOneInput(const char *data, unsigned long size) { return 0; }\n")
        command = ["clang", SANITIZERS[0], str(source), "-o", str(source.with_suffix(""))]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


def build(target: str, folder: Path) -> Path:
    """Compile fuzz_<target>.c with the library it tries, and return the program."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / f"fuzz_{target}"
    library = ROOT / "firmware" / "lib"
    folders = [library / name / "src" for name in ("ecg_base", f"ecg_{target}")]
    sources = [
        *(path for folder in folders for path in sorted(folder.glob("*.c"))),
        HERE / f"fuzz_{target}.c",
    ]
    includes = [f"-I{path}" for path in sorted(library.glob("*/include"))]
    command = ["clang", *WARNINGS, *SANITIZERS, *includes, *map(str, sources), "-o", str(program)]
    subprocess.run(command, check=True)
    return program


def start(program: Path, corpus: Path, seconds: int) -> subprocess.Popen[str]:
    """Begin a run that ends by itself; what it finds lies beside the corpus."""
    target = program.name.removeprefix("fuzz_")
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS[target]):
        (corpus / f"seed{number}").write_bytes(seed)
    options = [f"-max_total_time={seconds}", f"-max_len={MOST_BYTES}", "-timeout=20", "-print_final_stats=1"]
    command = [str(program), *options, f"-artifact_prefix={corpus.parent}/{target}-", str(corpus)]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, **pipes, text=True, errors="replace")


def finish(process: subprocess.Popen[str]) -> Run:
    """Wait for a run's end."""
    report = process.communicate()[1]
    counters = re.search(r"\((\d+) inline 8-bit counters\)", report)
    covered = [int(found) for found in re.findall(r" cov: (\d+)", report)]
    tried = [int(found) for found in re.findall(r"^#(\d+)", report, re.MULTILINE)]
    finding = "\n".join(report.splitlines()[-30:]) if process.returncode else ""
    return Run(max(tried, default=0), max(covered, default=0), int(counters[1]) if counters else 0, finding)


def main(arguments: list[str]) -> int:
    """Fuzz all targets, or those named, at once; 1 when there was a finding."""
    seconds, targets = int(arguments[0]), arguments[1:] or list(TARGETS)
    if not can_fuzz():
        print(f"fuzz: {ADVICE}", file=sys.stderr)
        return 2
    running = {name: start(build(name, OUT), OUT / "corpus" / name, seconds) for name in targets}
    runs = {name: finish(process) for name, process in running.items()}
    for name, run in runs.items():
        print(
            f"{name:7} {run.executions:>10,} executions, {run.covered:>5} of {run.counters} edges", flush=True
        )
        if run.finding:
            print(run.finding)
    return int(any(run.finding for run in runs.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
