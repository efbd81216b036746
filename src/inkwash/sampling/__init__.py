"""Sampling: a request, the batches of samples that it gives, editing and interpolation."""
