"""What claims about likelihoods and posteriors need."""

from jaxtyping import Float
from torch import Tensor

from geolatent.assumptions.measurement import NotApplicable
from geolatent.assumptions.subject import Subject
from geolatent.models import VAE


def model_with_data(
    subject: Subject, name: str, count: int
) -> tuple[VAE, Float[Tensor, "k p"], Tensor] | NotApplicable:
    """The model and at most `count` data as it takes them, in random order, with their rows.

    Args:
        subject: what is audited.
        name: of the assumption: it decides which data are drawn.
        count: of the data.
    """
    model = subject.model
    if not isinstance(model, VAE):
        return NotApplicable("A bare decoder has no encoder and no likelihood.")
    if subject.data is None:
        return NotApplicable("No data were given.", lacking="data")
    like = next((p for p in model.parameters() if p.is_floating_point()), subject.codes)
    rows = subject.sample(name, count)
    x = subject.data[rows.to(subject.data.device)].flatten(1)
    return model, x.to(device=like.device, dtype=like.dtype), rows
