"""What runs on the computer beside the device: replay, protocol, scoring, reports, the command line.

Nothing in this room imports TensorFlow.
"""
