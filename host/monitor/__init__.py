"""The live monitor: a local web page for one session, for any number of browsers."""
