"""What a device must report: labels, rhythm events and beats by the same C on this computer."""
