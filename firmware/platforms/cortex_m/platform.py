"""PlatformIO's view of the platform: everything is in platform.json and builder/main.py."""

from platformio.platform.base import PlatformBase


class Ecg_cortex_mPlatform(PlatformBase):  # noqa: N801 (PlatformIO makes this name from platform.json)
    """Bare-metal Cortex-M with the compiler found on PATH."""
