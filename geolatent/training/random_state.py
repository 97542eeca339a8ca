"""The global random states: saved, restored, and kept from the caller."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class RandomState:
    """The states of torch (CPU and CUDA), numpy's and Python's global generators."""

    torch_cpu: Tensor
    torch_cuda: tuple[Tensor, ...]
    numpy: tuple[Any, ...]
    python: tuple[Any, ...]

    @classmethod
    def capture(cls) -> "RandomState":
        """Read the current states."""
        cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
        legacy = np.random.get_state(legacy=True)  # noqa: NPY002 - the global state is meant
        return cls(torch.get_rng_state(), tuple(cuda), tuple(legacy), random.getstate())

    def restore(self) -> None:
        """Write the states back."""
        torch.set_rng_state(self.torch_cpu)
        if self.torch_cuda:
            torch.cuda.set_rng_state_all(self.torch_cuda)
        np.random.set_state(self.numpy)  # noqa: NPY002 - the global state is meant
        random.setstate(self.python)

    def tensors(self) -> dict[str, Tensor]:
        """The parts that are long: for a checkpoint."""
        parts = {
            "torch_cpu": self.torch_cpu,
            "numpy": torch.from_numpy(np.asarray(self.numpy[1]).astype(np.int64)),
            "python": torch.tensor(self.python[1], dtype=torch.int64),
        }
        return parts | {f"torch_cuda/{i}": state for i, state in enumerate(self.torch_cuda)}

    def values(self) -> dict[str, Any]:
        """The parts that are short: for a checkpoint."""
        kind, _, position, has_gauss, gauss = self.numpy
        return {
            "numpy": [str(kind), int(position), int(has_gauss), float(gauss)],
            "python": [self.python[0], self.python[2]],
            "torch_cuda": len(self.torch_cuda),
        }

    @classmethod
    def of(cls, tensors: dict[str, Tensor], values: dict[str, Any]) -> "RandomState":
        """Put together what `tensors` and `values` took apart."""
        kind, position, has_gauss, gauss = values["numpy"]
        version, python_gauss = values["python"]
        return cls(
            tensors["torch_cpu"],
            tuple(tensors[f"torch_cuda/{i}"] for i in range(values["torch_cuda"])),
            (kind, tensors["numpy"].numpy().astype(np.uint32), position, has_gauss, gauss),
            (version, tuple(tensors["python"].tolist()), python_gauss),
        )


@contextmanager
def isolated_random(seed: int) -> Iterator[None]:
    """Seed everything inside the block, and leave the caller's random states as they were."""
    before = RandomState.capture()
    try:
        torch.manual_seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002 - for code that uses it
        random.seed(seed)
        yield
    finally:
        before.restore()


def derived_seeds(seed: int, count: int) -> list[int]:
    """Independent seeds from one."""
    return [int(part) for part in np.random.SeedSequence(seed).generate_state(count, np.uint32)]
