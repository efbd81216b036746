"""Training, sampling and evaluation by several processes."""
