from chainrule.nn.recipes import train_digits


def test_real_handwriting_is_learned_and_the_run_repeats():
    one, two = train_digits(seed=0), train_digits(seed=0)
    assert one.accuracy > 0.96
    assert one.accuracy == two.accuracy
    assert one.history.loss == two.history.loss
    assert one.model.score(one.X_test, one.y_test) == one.accuracy
    assert len(one.X_test) == 450
