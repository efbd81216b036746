"""inkwash: a diffusion laboratory for small images, ink spreading in water, run backwards."""

__version__ = "0.1.0"
