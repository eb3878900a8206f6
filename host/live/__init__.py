"""Live ECG: sources of samples, beats and events, and the session that keeps them.

source = DeviceSource(lambda: open_transport("/dev/ttyUSB0"), "/dev/ttyUSB0")
for items in source.items(stop): ...
"""
