"""Reference for a device's report: labels, rhythm events and beats by the same C on this computer."""
