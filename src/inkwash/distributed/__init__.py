"""Several processes that train, sample or evaluate together."""
