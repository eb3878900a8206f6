"""Stream records to a device and compare each beat with the reference: `ecg-edge replay` as a script.

python host/replay.py 100 213 --port emulator
"""

import sys
from pathlib import Path

# A script's own folder comes first on the path, and its packages (link, report, ...) must not hide others.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from ecg_edge.host.cli.main import main  # noqa: E402

main(["replay", *sys.argv[1:]])
