import sys

from geolatent.training import Progress, TrainingConfig, fit

CONFIG = TrainingConfig(epochs=3, patience=None, batch_size=16)


def test_nothing_is_written_where_there_is_no_terminal(make_model, parts, capfd):
    before = sys.stdout, sys.stderr
    fit(make_model(), parts, CONFIG, callbacks=[Progress()])
    assert capfd.readouterr() == ("", "")
    assert (sys.stdout, sys.stderr) == before


def test_a_bar_is_shown_on_stderr_if_it_is_forced(make_model, parts, capfd, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    before = sys.stdout, sys.stderr
    result = fit(make_model(), parts, CONFIG, callbacks=[Progress("hello", force=True)])
    out, err = capfd.readouterr()
    assert out == ""
    assert "hello" in err
    assert "3/3" in err
    last = result.history[-1]
    assert f"loss {last.train_loss:.1f}/{last.validation_loss:.1f}" in err
    assert f"KL {last.validation_kl:.1f}" in err
    assert (sys.stdout, sys.stderr) == before


def test_both_stages_have_a_bar(make_model, parts, capfd, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    config = TrainingConfig(epochs=2, uncertainty_epochs=2, batch_size=16)
    fit(make_model(uncertain=True), parts, config, callbacks=[Progress("x", force=True)])
    err = capfd.readouterr().err
    assert "x: uncertainty" in err
    assert "best 2" in err
