"""Tests of other people's libraries, which `make test-plug` installs; plain `make test` leaves them out."""

import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "people"))  # what runs of people share

torch.set_num_threads(1)  # its networks are tiny here, and tests run side by side
