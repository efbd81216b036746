"""What the tests of networks share: one thread, because the networks here are tiny."""

from __future__ import annotations

import torch

torch.set_num_threads(1)
