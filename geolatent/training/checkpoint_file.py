"""Checkpoints as single files, without pickle."""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from geolatent.latents import DataDependent
from geolatent.storage import atomic_write
from geolatent.training.snapshot import Snapshot

FORMAT = "geolatent-checkpoint"
VERSION = 1
_SHOWN = 5


def save_checkpoint(path: str | Path, snapshot: Snapshot) -> None:
    """Write a checkpoint atomically: a safetensors file, with the plain values as JSON in its head.

    Args:
        path: the file; its folder must exist.
        snapshot: what to write.

    Raises:
        OSError: it cannot be written; a previous file of that name is then still whole.
    """
    # Copies: safetensors refuses tensors that share memory, as tied weights do.
    tensors = {
        name: tensor.detach().to("cpu", copy=True).contiguous()
        for name, tensor in snapshot.tensors.items()
    }
    values = json.dumps(snapshot.values)
    metadata = {
        "format": FORMAT,
        "version": str(VERSION),
        "values": values,
        "sha256": _digest(tensors, values),
    }
    atomic_write(Path(path), save(tensors, metadata=metadata))


def load_checkpoint(path: str | Path) -> Snapshot:
    """Read a checkpoint and check that it is what was written.

    Args:
        path: the file.

    Returns:
        Its content, on the CPU.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is truncated, damaged, of another kind or of a newer version.
    """
    path = Path(path)
    if not path.is_file():
        folder = path if path.is_dir() else path.parent
        there = sorted(str(file) for file in folder.glob("*.safetensors")) or "none"
        raise FileNotFoundError(
            f"{path}: there is no such checkpoint file. Checkpoints in {folder}: {there}. A run "
            "without one has to be trained (again)."
        )
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(
            f"{path} is not a complete checkpoint: it is truncated or damaged ({error}). "
            + _what_to_do(path)
        ) from error
    if metadata.get("format") != FORMAT:
        raise ValueError(
            f"{path} is a safetensors file, but not one of geolatent's checkpoints: load it with "
            "safetensors.torch.load_file and model.load_state_dict."
        )
    if int(metadata["version"]) > VERSION:
        raise ValueError(
            f"{path} has format version {metadata['version']}, this geolatent reads up to "
            f"{VERSION}: install a newer geolatent."
        )
    if metadata["sha256"] != _digest(tensors, metadata["values"]):
        raise ValueError(f"{path} is damaged: its checksum is wrong. " + _what_to_do(path))
    return Snapshot(tensors, json.loads(metadata["values"]))


def load_weights(model: nn.Module, path: str | Path) -> dict[str, Any]:
    """Load the weights of a checkpoint, all of them or none, into a model of the same geometry.

    Args:
        model: built as the model that was trained.
        path: a checkpoint file, for example a run's 'best.safetensors'.

    Returns:
        The plain values of the checkpoint: epoch, configuration and so on.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged, or was written for another model; names every difference.
    """
    snapshot = load_checkpoint(path)
    require_same_weights(model, snapshot.part("model"), str(path))
    model.load_state_dict(snapshot.part("model"))
    return snapshot.values


def require_same_weights(model: nn.Module, weights: dict[str, Tensor], source: str) -> None:
    """Raise a ValueError that names every tensor that does not fit.

    The buffers of ``model.latent`` declare its geometry and are never trained: loading does not
    replace them, they have to be equal. What a `DataDependent` has seen of its data is no such
    thing.

    Args:
        model: where the weights should go.
        weights: name to tensor.
        source: where they come from, for the message.
    """
    own = model.state_dict()
    differences = {
        "missing": [name for name in own if name not in weights],
        "not in the model": [name for name in weights if name not in own],
        "of another shape": [
            f"{name} {tuple(weights[name].shape)} here {tuple(own[name].shape)}"
            for name in own
            if name in weights and own[name].shape != weights[name].shape
        ],
    }
    found = [
        f"{len(names)} {kind}: {', '.join(names[:_SHOWN])}{', ...' if len(names) > _SHOWN else ''}"
        for kind, names in differences.items()
        if names
    ]
    if found:
        raise ValueError(
            f"{source} was written for another model. Tensors {'; '.join(found)}. Build the model "
            "with the configuration of the run that wrote it."
        )
    observed = {
        f"{place}.{name}"
        for place, module in model.named_modules()
        if isinstance(module, DataDependent) and isinstance(module, nn.Module)
        for name, _ in module.named_buffers(recurse=False)
    }
    declared = [
        f"{name} ({weights[name].tolist()} there, {buffer.tolist()} in this model)"
        for name, buffer in model.named_buffers()
        if name.startswith("latent.") and name in own and name not in observed
        if not _equal(weights[name], buffer)
    ]
    if declared:
        raise ValueError(
            f"{source} was written for another latent geometry: {', '.join(declared)}. Build the "
            "model with the configuration of the run that wrote it."
        )


def _equal(one: Tensor, other: Tensor) -> bool:
    """Whether two declared values are equal, up to the rounding of float32 if one passed it."""
    return torch.allclose(one.cpu().double(), other.cpu().double(), rtol=1e-6, atol=0)


def _digest(tensors: dict[str, Tensor], values: str) -> str:
    """Checksum of everything in a checkpoint."""
    digest = hashlib.sha256(values.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        # torch.uint8: numpy has no bfloat16.
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _what_to_do(path: Path) -> str:
    others = sorted(str(file) for file in path.parent.glob("*.safetensors") if file != path)
    if others:
        return f"Copy it again, or use {' or '.join(others)}."
    return "Copy it again, or train again."
