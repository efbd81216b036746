"""Sampling: a request, resolved against a model, gives batches of samples; editing and interpolation are options."""
