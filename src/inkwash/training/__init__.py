"""Training of a network: batches, steps, state and validation."""
