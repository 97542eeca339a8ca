import torch

from geolatent.viz.latent_chart import PoincareDiskChart


def test_the_disk_and_back():
    z = torch.cat([torch.zeros(1, 2), torch.randn(50, 2)]).double()
    chart = PoincareDiskChart(-2.0)
    torch.testing.assert_close(chart.from_page(chart.to_page(z)), z)
    assert chart.from_page(torch.tensor([[0.8, 0.7]])).isnan().all()
