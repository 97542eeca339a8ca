"""What a reader has to know of a model that was audited."""

from collections.abc import Mapping
from typing import Any

from geolatent.assumptions.subject import Subject
from geolatent.models import VAE


def model_card(subject: Subject, known: Mapping[str, Any]) -> dict[str, str]:
    """Data, likelihood, latent space and size of the model, and what else is known of it.

    Args:
        subject: what was audited.
        known: from the record of its training, by name: it says more than can be seen here, and
            stands in the place of what is.
    """
    model = subject.model
    seen: dict[str, str] = {}
    if subject.data is not None:
        seen["data"] = f"{len(subject.data)} items of shape {tuple(subject.data.shape[1:])}"
    if isinstance(model, VAE):
        seen["latent space"] = f"{type(model.latent).__name__}, dimension {subject.codes.shape[1]}"
        seen["likelihood"] = type(model.likelihood).__name__
        seen["encoder"] = type(model.encoder).__name__
        seen["decoder"] = type(model.decoder).__name__
        count = sum(parameter.numel() for parameter in model.parameters())
        seen["parameters"] = f"{count:,}"
    else:
        seen["decoder"] = f"{subject.name}, from codes of dimension {subject.codes.shape[1]}"
        seen["training"] = "unknown: a decoder was given, without a record"
    return seen | {name: str(value) for name, value in known.items()}
