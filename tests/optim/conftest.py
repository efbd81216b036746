"""What the tests of optimizers share: one thread, so that sums have one order."""

from __future__ import annotations

import torch

torch.set_num_threads(1)
