"""ecg-edge: from ECG records to a verified arrhythmia monitor on a microcontroller.

The subpackages are the folders `ecg`, `training`, `quantize`, `firmware` and `host` beside this one, here as
symbolic links. A checkout without symbolic links (Git for Windows writes small text files in their place)
finds them through the folder above.
"""

from pathlib import Path

_HERE = Path(__file__).resolve().parent
if not (_HERE / "ecg").is_dir() and (_HERE.parent / "ecg").is_dir():
    __path__.append(str(_HERE.parent))
