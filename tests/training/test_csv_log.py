import pandas
import pytest

from geolatent.training import Callback, Checkpoints, CsvLog, TrainingConfig, fit

CONFIG = TrainingConfig(epochs=6, patience=None, batch_size=16)


class Stop(Callback):
    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_end(self, run, record):
        if record.epoch == self.epoch:
            raise KeyboardInterrupt


def test_one_row_an_epoch(make_model, parts, tmp_path):
    result = fit(make_model(), parts, CONFIG, callbacks=[CsvLog(tmp_path / "deep" / "log.csv")])
    table = pandas.read_csv(tmp_path / "deep" / "log.csv", float_precision="round_trip")
    table["advice"] = table.advice.astype(object).fillna("")  # an empty text and a missing one
    assert table.epoch.tolist() == [1, 2, 3, 4, 5, 6]
    pandas.testing.assert_frame_equal(table, result.to_frame(), check_exact=True)


def test_without_validation_its_columns_are_empty(make_model, parts, tmp_path):
    fit(make_model(), parts[0], CONFIG, callbacks=[CsvLog(tmp_path / "log.csv")])
    assert pandas.read_csv(tmp_path / "log.csv").validation_loss.isna().all()


def test_rows_beyond_the_checkpoint_are_not_doubled(make_model, parts, tmp_path):
    # Stop comes after the log and before the checkpoint: epoch 4 is logged and not saved.
    log = CsvLog(tmp_path / "log.csv")
    callbacks = [log, Stop(4), Checkpoints(tmp_path, every=1)]
    with pytest.raises(KeyboardInterrupt):
        fit(make_model(), parts, CONFIG, directory=tmp_path, callbacks=callbacks)
    with (tmp_path / "log.csv").open("a") as file:
        file.write("main,5,20,1.0,12")  # what a killed process may leave
    rows = (tmp_path / "log.csv").read_text().splitlines()
    assert len(rows) == 1 + 4 + 1
    fit(make_model(), parts, CONFIG, directory=tmp_path, resume=True)
    table = pandas.read_csv(tmp_path / "log.csv")
    assert table.epoch.tolist() == [1, 2, 3, 4, 5, 6]
    again = (tmp_path / "log.csv").read_text().splitlines()
    assert again[:4] == rows[:4]
