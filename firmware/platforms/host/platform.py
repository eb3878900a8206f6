"""PlatformIO's view of the platform: everything is in platform.json and builder/main.py."""

from platformio.platform.base import PlatformBase


class Ecg_hostPlatform(PlatformBase):  # noqa: N801 (PlatformIO makes this name from platform.json)
    """This computer, with the compiler found on PATH."""

    def is_embedded(self) -> bool:
        """Nothing to upload."""
        return False
