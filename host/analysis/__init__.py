"""Analysis of one's own recording, without annotations: what a device would report of it."""
