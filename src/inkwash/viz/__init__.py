"""Figures: grids, strips and films of samples, curves, points in the plane, network diagrams.

Matplotlib is imported when the first figure is made.
"""

from inkwash.io.png_metadata import read_metadata, read_pixels, save_png
from inkwash.viz.curves import loss_against_noise, schedule_curves, training_curve
from inkwash.viz.films import film
from inkwash.viz.grids import grid, strip
from inkwash.viz.network_diagram import draw_network
from inkwash.viz.points import scatter, scatter_images, vector_field

__all__ = [
    "draw_network",
    "film",
    "grid",
    "loss_against_noise",
    "read_metadata",
    "read_pixels",
    "save_png",
    "scatter",
    "scatter_images",
    "schedule_curves",
    "strip",
    "training_curve",
    "vector_field",
]
