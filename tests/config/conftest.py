"""One thread is the fastest for networks of this size."""

import torch

torch.set_num_threads(1)
