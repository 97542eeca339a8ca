"""A training run, read back."""

from pathlib import Path

from hydra.utils import instantiate
from omegaconf import DictConfig

from geolatent.cli.build_model import build_model
from geolatent.cli.run_folder import read_config
from geolatent.data import DataSplit
from geolatent.models import VAE
from geolatent.training import load_weights
from geolatent.training.training_data import fingerprint


def load_run(folder: Path | str) -> tuple[DictConfig, DataSplit, VAE]:
    """A training run's configuration, data, and model with its best weights.

    Raises:
        FileNotFoundError: there is no run in the folder, or it has no checkpoint.
        ValueError: the checkpoint is damaged, or the data are not those of the training.
    """
    folder = Path(folder)
    cfg = read_config(folder)
    data = instantiate(cfg.data, _convert_="all")
    model = build_model(cfg).to(dtype=data.train.dtype)
    trained_on = load_weights(model, folder / "best.safetensors")["data"]
    if fingerprint(data.train, data.validation if len(data.validation) else None) != trained_on:
        raise ValueError(
            f"run={folder}: the data ({data.name}) have changed since the training. Use the "
            "original file, or train again."
        )
    return cfg, data, model.eval()
