import csv
import json

import numpy as np
import pytest

from chainrule import nn

DATA = np.arange(8.0).reshape(4, 2), [0, 1, 1, 0]


def test_csv_and_json_hold_the_history(tmp_path):
    logs = [nn.Log(tmp_path / "log.csv"), nn.Log(tmp_path / "log.json")]
    history = nn.MLP([2, 2]).fit(*DATA, epochs=3, validation_data=DATA, callbacks=logs, verbose=0)
    with (tmp_path / "log.csv").open(newline="") as stream:
        table = list(csv.DictReader(stream))
    objects = json.loads((tmp_path / "log.json").read_text())
    for name, numbers in history.series.items():
        assert [float(row[name]) for row in table] == numbers
        assert [row[name] for row in objects] == numbers
    assert [row["epoch"] for row in objects] == [1, 2, 3]
    assert [float(row["seconds"]) for row in table] == history.times


def test_the_file_is_whole_after_every_epoch(tmp_path):
    path, lengths = tmp_path / "log.csv", []

    class Spy(nn.Callback):
        def on_epoch(self, model, history):
            lengths.append(len(path.read_text().splitlines()))

    nn.MLP([2, 2]).fit(*DATA, epochs=3, callbacks=[nn.Log(path), Spy()], verbose=0)
    assert lengths == [2, 3, 4]
    assert [file.name for file in tmp_path.iterdir()] == ["log.csv"]


def test_another_ending():
    with pytest.raises(ValueError, match=r"must end in \.csv or \.json, got 'log\.txt'"):
        nn.Log("log.txt")
