"""One thread: the tests of objectives are small, and the machine may be training beside them."""

from __future__ import annotations

import torch

torch.set_num_threads(1)
