from chainrule.nn import History


def test_series_and_last():
    history = History(
        loss=[2.0, 1.0], val_loss=[3.0, 2.5], metrics={"accuracy": [0.5, 0.75]}, times=[0.25, 0.5]
    )
    assert history.epochs == 2
    assert history.last == {"loss": 1.0, "val_loss": 2.5, "accuracy": 0.75}
    assert repr(history).splitlines() == [
        "History: 2 epochs in 0.8 s",
        "    loss      2 -> 1",
        "    val_loss  3 -> 2.5",
        "    accuracy  0.5 -> 0.75",
    ]


def test_before_the_first_epoch():
    history = History()
    assert (history.epochs, history.last, repr(history)) == (0, {}, "History: 0 epochs in 0.0 s")
