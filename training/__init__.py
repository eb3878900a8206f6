"""Training on beats as the device computes them: recipes, data sets, networks, metrics."""
