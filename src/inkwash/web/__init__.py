"""The page: a local server that draws while people watch, over the one sampler that every command uses."""
