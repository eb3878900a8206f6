"""PlatformIO extra script: build the model bundle named by ECG_EDGE_BUNDLE into the firmware."""

# ruff: noqa: F821 (PlatformIO gives Import and env)

import os
import sys
from pathlib import Path

Import("env")

NEEDED = ("model_info.c", "model_info.h", "network.c", "network.h")


def bundle_c_folder(project: Path) -> Path:
    """The folder of the generated C; ends the build with a message when it is not there."""
    bundle = (project / os.environ.get("ECG_EDGE_BUNDLE", "../models/nlrav")).resolve()
    missing = [name for name in NEEDED if not (bundle / "c" / name).is_file()]
    if missing:
        sys.stderr.write(
            f"{bundle}: no model bundle ({', '.join('c/' + name for name in missing)} not found). "
            "Set ECG_EDGE_BUNDLE to a folder that `ecg-edge export` wrote.\n"
        )
        env.Exit(2)
    return bundle / "c"


folder = bundle_c_folder(Path(env.subst("$PROJECT_DIR")))
print(f"Model bundle: {folder.parent}")
env.Append(CPPPATH=[str(folder), "$PROJECT_DIR/lib/ecg_nn/include"])
env.BuildSources("$BUILD_DIR/bundle", str(folder), ["-<*>", "+<model_info.c>", "+<network.c>"])
