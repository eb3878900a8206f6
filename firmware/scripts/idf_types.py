"""Compile the firmware of the ESP32 family for types and warnings against the headers of ESP-IDF, without its
compilers.

    python firmware/scripts/idf_types.py --idf ~/esp-idf --libc /usr/include/newlib

A checkout of ESP-IDF's sources with its submodules for NimBLE and mbedTLS is enough: nothing of it is
built, and no program comes out. RISC-V chips need riscv64-unknown-elf-gcc, Xtensa chips
xtensa-lx106-elf-gcc; Debian has both.
`--libc` is a folder of newlib's headers, such as Debian's libnewlib-dev. sdkconfig.h is made here from the
project's sdkconfig.defaults and a few settings that ESP-IDF's Kconfig would add. Settings that ESP-IDF does
not have are named.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FIRMWARE = Path(__file__).resolve().parents[1]
MODEL = FIRMWARE.parent / "models" / "nlrav" / "c"
BOARD = FIRMWARE / "src" / "boards" / "esp32"
RISCV, XTENSA = "riscv", "xtensa"
CHIPS = {"esp32": XTENSA, "esp32s3": XTENSA, "esp32c3": RISCV}
WARNINGS = ["-std=gnu17", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"]
COMMANDS = {
    RISCV: ["riscv64-unknown-elf-gcc", "-march=rv32imc", "-mabi=ilp32"],
    XTENSA: ["xtensa-lx106-elf-gcc"],
}
# What Kconfig adds to sdkconfig.defaults, as far as the headers ask for it.
SETTINGS = {
    "CONFIG_LIBC_NEWLIB": "1",
    "CONFIG_FREERTOS_IDLE_TIME_BEFORE_SLEEP": "3",
    "CONFIG_FREERTOS_NO_AFFINITY": "0x7FFFFFFF",
    "CONFIG_FREERTOS_MAX_TASK_NAME_LEN": "16",
    "CONFIG_FREERTOS_IDLE_TASK_STACKSIZE": "1536",
    "CONFIG_FREERTOS_ISR_STACKSIZE": "1536",
    "CONFIG_FREERTOS_TIMER_TASK_PRIORITY": "1",
    "CONFIG_FREERTOS_TIMER_TASK_STACK_DEPTH": "2048",
    "CONFIG_FREERTOS_TIMER_QUEUE_LENGTH": "10",
    "CONFIG_FREERTOS_QUEUE_REGISTRY_SIZE": "0",
    "CONFIG_FREERTOS_THREAD_LOCAL_STORAGE_POINTERS": "1",
    "CONFIG_FREERTOS_TASK_NOTIFICATION_ARRAY_ENTRIES": "1",
    "CONFIG_FREERTOS_SYSTICK_USES_CCOUNT": "1",
    "CONFIG_FREERTOS_CORETIMER_0": "1",
    "CONFIG_LOG_DEFAULT_LEVEL": "0",
    "CONFIG_LOG_MAXIMUM_LEVEL": "0",
    "CONFIG_ESP_SYSTEM_PANIC_SILENT_REBOOT": "1",
    "CONFIG_BT_NIMBLE_MAX_CONNECTIONS": "1",
    "CONFIG_BT_NIMBLE_MAX_BONDS": "3",
    "CONFIG_BT_NIMBLE_MAX_CCCDS": "8",
    "CONFIG_BT_NIMBLE_ROLE_PERIPHERAL": "1",
    "CONFIG_BT_NIMBLE_ROLE_BROADCASTER": "1",
    "CONFIG_BT_NIMBLE_SECURITY_ENABLE": "1",
    "CONFIG_BT_NIMBLE_SM_LEGACY": "1",
    "CONFIG_BT_NIMBLE_SM_SC": "1",
    "CONFIG_BT_NIMBLE_LL_CFG_FEAT_LE_ENCRYPTION": "1",
    "CONFIG_BT_NIMBLE_ATT_PREFERRED_MTU": "256",
    "CONFIG_BT_NIMBLE_MSYS_1_BLOCK_COUNT": "12",
    "CONFIG_BT_NIMBLE_MSYS_1_BLOCK_SIZE": "256",
    "CONFIG_BT_NIMBLE_MSYS_2_BLOCK_COUNT": "24",
    "CONFIG_BT_NIMBLE_MSYS_2_BLOCK_SIZE": "320",
    "CONFIG_BT_NIMBLE_HOST_TASK_STACK_SIZE": "4096",
    "CONFIG_BT_NIMBLE_GATT_MAX_PROCS": "4",
    "CONFIG_BT_NIMBLE_RPA_TIMEOUT": "900",
    "CONFIG_BT_NIMBLE_PINNED_TO_CORE": "0",
    "CONFIG_BT_NIMBLE_SVC_GAP_DEVICE_NAME": '"nimble"',
    "CONFIG_BT_NIMBLE_GAP_DEVICE_NAME_MAX_LEN": "31",
    "CONFIG_BT_NIMBLE_SVC_GAP_APPEARANCE": "0",
    "CONFIG_BT_NIMBLE_LOG_LEVEL": "4",
    "CONFIG_BT_NIMBLE_MAX_PERIODIC_SYNCS": "0",
    "CONFIG_BT_NIMBLE_L2CAP_COC_MAX_NUM": "0",
    "CONFIG_BT_NIMBLE_TRANSPORT_ACL_FROM_LL_COUNT": "24",
    "CONFIG_BT_NIMBLE_TRANSPORT_EVT_COUNT": "30",
    "CONFIG_BT_NIMBLE_TRANSPORT_EVT_DISCARD_COUNT": "8",
    "CONFIG_BT_NIMBLE_TRANSPORT_EVT_SIZE": "70",
    "CONFIG_BT_NIMBLE_TRANSPORT_ACL_SIZE": "255",
    "CONFIG_NIMBLE_ENABLED": "1",
    "CONFIG_NIMBLE_MAX_CONNECTIONS": "1",
}


def settings(chip: str) -> dict[str, str]:
    """Settings of one chip: ours, then those that follow from them."""
    found = dict(SETTINGS)
    for name in ("sdkconfig.defaults", f"sdkconfig.defaults.{chip}"):
        path = FIRMWARE / name
        for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
            key, sign, value = line.partition("=")
            if sign and value != "n":
                found[key] = "1" if value == "y" else value
    found |= {f"CONFIG_IDF_TARGET_{chip.upper()}": "1", "CONFIG_IDF_TARGET": f'"{chip}"'}
    found[f"CONFIG_IDF_TARGET_ARCH_{CHIPS[chip].upper()}"] = "1"
    megahertz = next(key for key in found if key.startswith("CONFIG_ESP_DEFAULT_CPU_FREQ_MHZ_"))
    found["CONFIG_ESP_DEFAULT_CPU_FREQ_MHZ"] = megahertz.rpartition("_")[2]
    found["CONFIG_FREERTOS_NUMBER_OF_CORES"] = "1" if chip == "esp32c3" else "2"
    if chip == "esp32c3":
        found |= {"CONFIG_FREERTOS_UNICORE": "1", "CONFIG_ESP_SYSTEM_SINGLE_CORE_MODE": "1"}
    return found


def unknown_settings(idf: Path) -> list[str]:
    """Names in the project's sdkconfig.defaults that no Kconfig of ESP-IDF has."""
    files = [idf / "Kconfig", *(idf / "components").rglob("Kconfig*")]
    texts = [path.read_text(encoding="utf-8") for path in files if path.is_file()]
    known = {name for text in texts for name in re.findall(r"^\s*config (\w+)", text, re.MULTILINE)}
    named = [
        (path.name, name)
        for path in sorted(FIRMWARE.glob("sdkconfig.defaults*"))
        for name in re.findall(r"^CONFIG_(\w+)=", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    return [f"{file}: ESP-IDF has no setting {name}" for file, name in named if name not in known]


def include_folders(idf: Path, nimble: Path, mbedtls: Path, chip: str) -> list[Path]:
    """Every folder of headers that a component of this chip may offer."""
    parts, arch = idf / "components", CHIPS[chip]
    wanted = [
        "include",
        f"{chip}/include",
        "platform_include",
        f"{arch}/include",
        f"{chip}/register",
        f"include/{chip}",
    ]
    wanted += [f"{chip}/{name}" for name in ("private_include",)]
    found = [part / name for part in sorted(parts.iterdir()) for name in wanted if part.name != "linux"]
    kernel = parts / "freertos"
    found += [kernel / "FreeRTOS-Kernel/include", kernel / f"FreeRTOS-Kernel/portable/{arch}/include"]
    found += [
        kernel / "FreeRTOS-Kernel/include/freertos",
        kernel / f"FreeRTOS-Kernel/portable/{arch}/include/freertos",
    ]
    found += [
        kernel / "config/include",
        kernel / "config/include/freertos",
        kernel / f"config/{arch}/include",
    ]
    found += [kernel / "esp_additions/include", kernel / "esp_additions/include/freertos"]
    found += [parts / "esp_hw_support/include/soc", parts / f"esp_hw_support/port/{chip}/include"]
    found += [parts / "bt/host/nimble/port/include", parts / "bt/host/nimble/esp-hci/include"]
    found += [parts / f"bt/include/{chip}/include", parts / "bt/common/osi/include"]
    found += [nimble / name for name in NIMBLE] + [mbedtls / "include"]
    return [folder for folder in found if folder.is_dir()]


NIMBLE = (
    "nimble/include",
    "nimble/host/include",
    "nimble/host/util/include",
    "nimble/host/store/config/include",
    "nimble/host/services/gap/include",
    "nimble/host/services/gatt/include",
    "nimble/transport/include",
    "porting/nimble/include",
    "porting/npl/freertos/include",
)


def sources() -> list[Path]:
    """What src/CMakeLists.txt builds, apart from the model and its kernels."""
    libraries = [path for path in FIRMWARE.glob("lib/*/src/*.c") if "ecg_nn" not in path.parts]
    return sorted([*BOARD.glob("*.c"), *FIRMWARE.glob("src/*.c"), *libraries])


def _write_reent(path: Path, libc: Path) -> None:
    """Hide ESP-IDF's own sys/reent.h: it fits Espressif's newlib alone."""
    path.parent.mkdir()
    path.write_text(f'#pragma once\n#include "{libc}/sys/reent.h"\n', encoding="utf-8")


def check(chip: str, idf: Path, nimble: Path, mbedtls: Path, libc: Path, defines: list[str]) -> list[str]:
    """Compile every source of the board; the messages of those that fail."""
    with tempfile.TemporaryDirectory() as folder:
        text = "".join(f"#define {name} {value}\n" for name, value in settings(chip).items())
        (Path(folder) / "sdkconfig.h").write_text("#pragma once\n" + text, encoding="utf-8")
        _write_reent(Path(folder) / "sys" / "reent.h", libc)
        own = [FIRMWARE / "src", BOARD, *sorted(FIRMWARE.glob("lib/*/include")), MODEL]
        options = [*COMMANDS[CHIPS[chip]], *WARNINGS, "-fsyntax-only", "-ffreestanding", "-isystem", folder]
        options += [f"-I{path}" for path in own] + [
            f"-D{name}" for name in ("ESP_PLATFORM", 'FIRMWARE_VERSION="0"', 'IDF_VER="5.5"', *defines)
        ]
        for path in [*include_folders(idf, nimble, mbedtls, chip), libc]:
            options += ["-isystem", str(path)]
        failed = []
        for source in sources():
            done = subprocess.run([*options, str(source)], capture_output=True, text=True)
            failed += [f"{chip}: {source.name}\n{done.stderr}"] if done.returncode != 0 else []
        return failed


def main() -> int:
    """Check every chip whose compiler is here."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--idf", type=Path, required=True, help="folder of ESP-IDF's sources")
    parser.add_argument("--nimble", type=Path, help="folder of NimBLE, where the submodule is not in --idf")
    parser.add_argument("--mbedtls", type=Path, help="folder of mbedTLS, where the submodule is not in --idf")
    parser.add_argument("--libc", type=Path, required=True, help="folder of newlib's headers")
    parser.add_argument("-D", dest="defines", action="append", default=[], help="of the preprocessor")
    options = parser.parse_args()
    nimble = options.nimble or options.idf / "components/bt/host/nimble/nimble"
    mbedtls = options.mbedtls or options.idf / "components/mbedtls/mbedtls"
    for option, path in (
        ("--idf", options.idf / "components"),
        ("--nimble", nimble / "nimble/host/include"),
        ("--mbedtls", mbedtls / "include/mbedtls"),
        ("--libc", options.libc / "stdio.h"),
    ):
        if not path.exists():
            parser.error(f"{option}: {path} is not there; the option's help names the folder that has it")
    unknown = unknown_settings(options.idf)
    print("\n".join(unknown) or "sdkconfig.defaults: ESP-IDF has every setting")
    code = int(bool(unknown))
    for chip, arch in CHIPS.items():
        compiler = COMMANDS[arch][0]
        if shutil.which(compiler) is None:
            print(f"{chip}: not checked: {compiler} is missing")
            code = 1
            continue
        failed = check(chip, options.idf, nimble, mbedtls, options.libc, options.defines)
        print("\n".join(failed) or f"{chip}: {len(sources())} sources, no warnings")
        code = code or bool(failed)
    return code


if __name__ == "__main__":
    sys.exit(main())
