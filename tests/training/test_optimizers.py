import json

import geoopt
import torch
from torch import nn

from geolatent.training import TrainingConfig
from geolatent.training.optimizers import build_optimizers, optimizer_parts, restore_optimizers

CONFIG = TrainingConfig(weight_decay=0.1)


def parameters():
    generator = torch.Generator().manual_seed(0)
    flat = nn.Parameter(torch.randn(3, generator=generator))
    start = torch.randn(4, 3, generator=generator)
    curved = geoopt.ManifoldParameter(start / start.norm(dim=-1, keepdim=True), geoopt.Sphere())
    return [flat, curved]


def step(points, optimizers):
    flat, curved = points
    for point in points:
        point.grad = None
    ((flat - 1).square().sum() + (curved @ flat).square().sum() + curved.sum()).backward()
    for optimizer in optimizers:
        optimizer.step()


def test_every_parameter_has_the_optimiser_of_its_kind():
    flat, curved = points = parameters()
    first, second = build_optimizers(points, CONFIG, 0.1)
    assert type(first) is torch.optim.Adam
    assert first.param_groups[0]["params"] == [flat]
    assert first.param_groups[0]["fused"]
    assert isinstance(second, geoopt.optim.RiemannianAdam)
    assert second.param_groups[0]["params"][0] is curved
    assert second.param_groups[0]["weight_decay"] == 0


def test_steps_stay_on_the_manifold():
    points = parameters()
    optimizers = build_optimizers(points, CONFIG, 0.1)
    for _ in range(20):
        step(points, optimizers)
    assert torch.allclose(points[1].norm(dim=-1), torch.ones(4), atol=1e-5)


def test_adamw_is_decoupled():
    (optimizer,) = build_optimizers(parameters()[:1], TrainingConfig(optimizer="adamw"), 0.1)
    assert type(optimizer) is torch.optim.AdamW


def test_a_device_without_fused_kernel_is_trained_all_the_same(monkeypatch):
    class Unfused(torch.optim.Adam):
        def __init__(self, *arguments, fused=None, **options):
            if fused:
                raise RuntimeError("`fused=True` requires supported devices")
            super().__init__(*arguments, **options)

    monkeypatch.setattr(torch.optim, "Adam", Unfused)
    (optimizer,) = build_optimizers(parameters()[:1], CONFIG, 0.1)
    assert not optimizer.param_groups[0]["fused"]


def test_restored_optimisers_go_on_bit_by_bit():
    points = parameters()
    optimizers = build_optimizers(points, CONFIG, 0.1)
    for _ in range(3):
        step(points, optimizers)
    tensors, values = optimizer_parts(optimizers)
    tensors = {name: tensor.clone() for name, tensor in tensors.items()}
    values = json.loads(json.dumps(values))
    copies = parameters()
    with torch.no_grad():
        for copy, point in zip(copies, points, strict=True):
            copy.copy_(point)
    others = build_optimizers(copies, CONFIG, 0.1)
    restore_optimizers(others, tensors, values)
    # torch would make a tensor of it, and bias corrections of another precision with it.
    assert type(others[1].state[copies[1]]["step"]) is int
    for _ in range(50):
        step(points, optimizers)
        step(copies, others)
    for copy, point in zip(copies, points, strict=True):
        assert torch.equal(copy, point)
