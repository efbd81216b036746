"""Pictures of everything: sheets and films of samples, curves, points in the plane, networks.

Each kind of picture is one file; matplotlib is imported only when a figure is drawn.
"""

from inkwash.viz.curves import loss_against_noise, schedule_curves, training_curve
from inkwash.viz.diagrams import network
from inkwash.viz.fields import scatter, scatter_pictures, vector_field
from inkwash.viz.films import film
from inkwash.viz.grids import grid, strip
from inkwash.viz.prints import read_facts, read_pixels, save_png

__all__ = [
    "film",
    "grid",
    "loss_against_noise",
    "network",
    "read_facts",
    "read_pixels",
    "save_png",
    "scatter",
    "scatter_pictures",
    "schedule_curves",
    "strip",
    "training_curve",
    "vector_field",
]
