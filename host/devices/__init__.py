"""Devices to talk to: serial ports, emulated boards, the simulator, PlatformIO builds."""
