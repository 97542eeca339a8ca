"""The second stage of decoders whose uncertainty is fitted last."""

import torch

from geolatent.networks import UncertaintyFitted
from geolatent.training.evaluate import EVALUATION_BATCH
from geolatent.training.optimizers import build_optimizers
from geolatent.training.training_run import TrainingRun


def has_uncertainty_stage(run: TrainingRun) -> bool:
    """Whether the decoder has a second stage and the configuration wants it."""
    return isinstance(run.model.decoder, UncertaintyFitted) and run.config.uncertainty_epochs > 0


def begin_uncertainty_stage(run: TrainingRun) -> None:
    """Freeze everything but what the decoder wants to train in the second stage.

    What is frozen is also put into evaluation mode: batch normalisation would go on following the
    batches, and dropout would make the decoder's inputs random, although neither may change now.

    Args:
        run: at the best weights of its main stage.

    Raises:
        ValueError: the decoder names no parameters to train.
    """
    model, decoder = run.model, run.model.decoder
    assert isinstance(decoder, UncertaintyFitted)
    model.eval()
    with torch.no_grad():
        batches = run.train.split(EVALUATION_BATCH)
        inputs = torch.cat([model.decoder_inputs(model.encode(batch)) for batch in batches])
    trained = decoder.begin_uncertainty_fit(inputs)
    if not trained:
        raise ValueError(
            f"{type(decoder).__name__}.begin_uncertainty_fit returned no parameters: there is "
            "nothing to train in the second stage. Set uncertainty_epochs=0."
        )
    model.requires_grad_(False)
    for parameter in trained:
        parameter.requires_grad_(True)
    for module in model.modules():
        own = module.parameters(recurse=False)
        module.training = any(parameter is other for parameter in own for other in trained)
    rate = run.config.uncertainty_learning_rate
    run.begin_stage("uncertainty", build_optimizers(trained, run.config, rate))
