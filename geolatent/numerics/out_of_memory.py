"""Telling a lack of memory from other errors of torch."""

import re

import torch

# torch has an exception of its own for accelerators only.
_WORDS = re.compile("allocate memory|out of memory|not enough memory|ALLOC_FAILED")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether there was no memory left, so that a way that takes as much is no way out."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and _WORDS.search(str(error)) is not None
