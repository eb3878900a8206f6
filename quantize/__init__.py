"""From the float network to the device: pruning, int8, verification, code generation, export, bench."""
