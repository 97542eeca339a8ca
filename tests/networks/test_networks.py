import pytest
import torch
from torch import nn

from geolatent.networks import ACTIVATIONS, MLP, RbfPrecisionDecoder


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_mlp_maps_any_batch(activation):
    network = MLP(3, 5, hidden=(4,), activation=activation)
    assert network(torch.randn(2, 7, 3)).shape == (2, 7, 5)


def test_mlp_without_hidden_layers_is_affine():
    network = MLP(3, 5, hidden=())
    x, y = torch.randn(2, 3)
    middle = network((x + y) / 2)
    torch.testing.assert_close(middle, (network(x) + network(y)) / 2)


def test_mlp_refuses_bad_arguments():
    with pytest.raises(ValueError, match="unknown activation 'tahn'"):
        MLP(3, 5, activation="tahn")
    with pytest.raises(ValueError, match="at least one unit"):
        MLP(3, 5, hidden=(0,))


class TestRbfPrecisionDecoder:
    @pytest.fixture
    def decoder(self):
        return RbfPrecisionDecoder(nn.Linear(2, 4), 2, 4, centres=8, far_scale=3.0)

    def test_starts_with_one_scale(self, decoder):
        _, log_scale = decoder(torch.randn(6, 2)).chunk(2, -1)
        assert torch.allclose(log_scale, torch.tensor(0.25).log())

    def test_second_stage_trains_the_weights_only(self, decoder):
        parameters = decoder.begin_uncertainty_fit(torch.randn(50, 2))
        assert len(parameters) == 1
        assert parameters[0] is decoder.log_weight

    def test_uncertain_far_from_the_codes_and_not_near_them(self, decoder):
        codes = torch.randn(200, 2)
        decoder.begin_uncertainty_fit(codes)
        near = decoder(codes).chunk(2, -1)[1].exp()
        far = decoder(torch.tensor([[50.0, 50.0]])).chunk(2, -1)[1].exp()
        torch.testing.assert_close(far, torch.full((1, 4), 3.0))
        assert near.median() < 0.5

    def test_state_says_that_the_second_stage_has_begun(self, decoder):
        decoder.begin_uncertainty_fit(torch.randn(50, 2))
        other = RbfPrecisionDecoder(nn.Linear(2, 4), 2, 4, centres=8, far_scale=3.0)
        other.load_state_dict(decoder.state_dict())
        z = torch.randn(5, 2)
        assert torch.equal(other(z), decoder(z))

    def test_repeated_codes_leave_finite_widths(self, decoder):
        codes = torch.randn(8, 2).repeat(10, 1)
        decoder.begin_uncertainty_fit(codes)
        assert decoder(codes).isfinite().all()

    def test_refuses_fewer_codes_than_centres(self, decoder):
        with pytest.raises(ValueError, match="8 centres need at least as many"):
            decoder.begin_uncertainty_fit(torch.randn(5, 2))

    @pytest.mark.parametrize("option", ["far_scale", "initial_scale", "bandwidth_factor"])
    def test_refuses_a_negative_option(self, option):
        with pytest.raises(ValueError, match=option):
            RbfPrecisionDecoder(nn.Linear(2, 4), 2, 4, **{option: -1.0})
