"""From the float network to the device's: pruning, int8 quantization, verification, export to C."""
