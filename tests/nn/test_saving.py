"""Models in files: what comes back, what is refused, and 500 damaged files."""

import json

import numpy as np
import pytest

from chainrule import nn
from chainrule.nn import ModelFileError, files, saving, state
from chainrule.nn.loading import CLASSES

RNG = np.random.default_rng(0)

MODELS = [
    nn.Linear(3, 2),
    nn.Linear(3, 2, bias=False, dtype=np.float64),
    nn.MLP([3, 4, 2], activation="tanh"),
    nn.MLP([3, 4, 5, 2], activation=nn.LeakyReLU(0.3), dtype=np.float64),
    nn.MLP([3, 2], activation=nn.ELU(0.3)),
    nn.LogisticRegression(3),
    nn.LogisticRegression(3, n_classes=4, dtype=np.float16),
    nn.Sequential(
        nn.Flatten(), nn.Linear(3, 2), nn.Sequential(nn.ELU(0.5), nn.Linear(2, 1)), nn.Softmax(axis=0)
    ),
    nn.LinearRegression(3),
    nn.LinearRegression(3, n_outputs=2),
    nn.Autoencoder([3, 2], activation="tanh"),
    nn.Sequential(nn.Linear(3, 3), nn.Residual(nn.Linear(3, 3), nn.ReLU())),
    nn.Dropout(0.25),
    nn.BatchNorm1d(3, eps=1e-3, momentum=None),
    nn.BatchNorm1d(3, affine=False, dtype=np.float64),
    nn.LayerNorm(3),
    nn.LayerNorm([5, 3], eps=0.1, elementwise_affine=False),
    nn.PReLU(3),
    *(kind() for kind in CLASSES.values() if issubclass(kind, nn.Activation) and kind is not nn.GLU),
]
IMAGES = [
    nn.CNN((1, 8, 8), 3, channels=[4, 2], dtype=np.float64),
    nn.Sequential(nn.Conv2d(1, 2, (3, 2), stride=2, padding=(1, 0), bias=False), nn.BatchNorm2d(2), nn.GLU()),
    nn.Sequential(nn.MaxPool2d(2), nn.AvgPool2d((2, 1), stride=1), nn.MaxPool2d(3, 2, 1)),
]
SEQUENCES = [nn.Conv1d(2, 4, 3, padding=1), nn.MaxPool1d(2), nn.AvgPool1d(2, 1, 1)]
SHAPES = [((5, 3), model) for model in MODELS] + [((2, 1, 8, 8), model) for model in IMAGES]
SHAPES += [((5, 2, 6), model) for model in SEQUENCES]


@pytest.mark.parametrize(("shape", "model"), SHAPES, ids=lambda m: type(m).__name__)
def test_a_model_comes_back(tmp_path, shape, model):
    for part in state.held(model).values():
        part.data = abs(RNG.standard_normal(part.shape))
    model.eval()
    model.task = "multiclass"
    model.save(tmp_path / "model")
    twin = nn.load(tmp_path / "model")
    assert type(twin) is type(model)
    assert repr(twin) == repr(model)
    assert twin.task == "multiclass"
    x = RNG.standard_normal(shape)
    assert np.array_equal(np.asarray(twin.eval()(x)), np.asarray(model(x)))
    for name, part in state.held(twin).items():
        assert part.dtype == state.held(model)[name].dtype
        assert part.data.flags.writeable
    other = nn.load(tmp_path / "model").eval()
    for part in state.held(other).values():
        part.data = np.zeros(part.shape)
    other.load(tmp_path / "model")
    assert np.array_equal(np.asarray(other(x)), np.asarray(model(x)))


def test_every_exported_module_can_be_loaded():
    bases = {nn.Module, nn.Activation}
    kinds = {kind for kind in vars(nn).values() if isinstance(kind, type) and issubclass(kind, nn.Module)}
    assert kinds - bases == set(CLASSES.values())


def test_the_safetensors_library_reads_a_model(tmp_path):
    library = pytest.importorskip(
        "safetensors.numpy", reason="needs safetensors: pip install 'chainrule[oracle]'"
    )
    model = nn.MLP([3, 4, 2])
    model.save(tmp_path / "model.safetensors")
    theirs = library.load_file(tmp_path / "model.safetensors")
    state = model.state_dict()
    assert theirs.keys() == state.keys()
    assert all(np.array_equal(theirs[name], array) for name, array in state.items())


def test_pytorchs_weights_load(tmp_path):
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'chainrule[oracle]'")
    theirs = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
    files.write(tmp_path / "x", {name: t.numpy() for name, t in theirs.state_dict().items()}, {})
    model = nn.MLP([3, 4, 2])
    model.load(tmp_path / "x")
    x = RNG.standard_normal((5, 3)).astype(np.float32)
    assert np.allclose(model(x).data, theirs(torch.tensor(x)).detach().numpy(), atol=1e-6)
    with pytest.raises(ModelFileError, match=r"does not say what module it holds; .* model.load\(path\)"):
        nn.load(tmp_path / "x")


class Own(nn.Module):
    def __init__(self, n):
        self.layer = nn.Linear(n, 1)

    def forward(self, x):
        return self.layer(x)


def test_a_class_of_ones_own(tmp_path):
    model = Own(3)
    model.save(tmp_path / "x")
    with pytest.raises(
        ModelFileError, match=r"'.*test_saving\.Own' cannot be built from a file; build the module"
    ):
        nn.load(tmp_path / "x")
    twin = Own(3)
    twin.load(tmp_path / "x")
    assert np.array_equal(twin.layer.weight.data, model.layer.weight.data)
    with pytest.raises(ModelFileError, match=r"layer.weight has shape \(1, 3\), needs \(1, 2\)"):
        Own(2).load(tmp_path / "x")


def test_another_model_is_refused_and_nothing_changes(tmp_path):
    nn.MLP([3, 4, 2], activation="tanh").save(tmp_path / "x")
    model = nn.MLP([3, 4, 2])
    before = model.state_dict()
    with pytest.raises(ModelFileError, match=r"holds MLP\(.*activation='tanh'\), this is MLP\(.*'relu'\)"):
        model.load(tmp_path / "x")
    assert all(np.array_equal(before[name], array) for name, array in model.state_dict().items())


def test_missing_and_extra_names_are_listed(tmp_path):
    files.write(tmp_path / "x", {"weight": np.zeros((2, 3)), "gain": np.zeros(2)}, {})
    with pytest.raises(ModelFileError, match=r"missing bias \(2,\); unexpected gain \(2,\)"):
        nn.Linear(3, 2).load(tmp_path / "x")


def test_an_unknown_version(tmp_path):
    files.write(tmp_path / "x", {}, {"chainrule": "99", "config": "{}"})
    with pytest.raises(ModelFileError, match="model format '99'; this chainrule reads '1'"):
        nn.load(tmp_path / "x")


def test_a_flipped_bit_in_a_weight_is_seen(tmp_path):
    nn.Linear(3, 2).save(tmp_path / "x")
    content = bytearray((tmp_path / "x").read_bytes())
    content[-1] ^= 1
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(ModelFileError, match="checksum"):
        nn.load(tmp_path / "x")


LINEAR = {"in_features": 3, "out_features": 2}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"class": "os.system", "arguments": {}}, "cannot be built from a file"),
        ({"class": ["Linear"], "arguments": LINEAR}, "byte 8"),
        ({"class": "Linear"}, "byte 8"),
        ({"class": "Linear", "arguments": [3, 2]}, "byte 8"),
        ({"class": "Linear", "arguments": {"in_features": 3}}, "byte 8"),
        ({"class": "Linear", "arguments": LINEAR | {"in_features": 4}}, r"shape \(2, 3\), needs \(2, 4\)"),
        ({"class": "Linear", "arguments": LINEAR | {"out_features": 10**9}}, r"needs \(1000000000, 3\)"),
        ({"class": "Linear", "arguments": {"in_features": 10**12, "out_features": 10**12}}, "byte 8"),
        ({"class": "Linear", "arguments": LINEAR | {"bias": False}}, "unexpected bias"),
        (
            {"class": "Linear", "arguments": LINEAR | {"init": "constant"}},
            "no module of chainrule describes itself",
        ),
        (
            {"class": "Linear", "arguments": LINEAR | {"generator": "x"}},
            "no module of chainrule describes itself",
        ),
        ({"class": "Linear", "arguments": LINEAR | {"dtype": "S99999999"}}, "dtype must be"),
        (
            {"class": "MLP", "arguments": {"sizes": [3, 10**12, 2], "activation": "relu"}},
            "than the file holds",
        ),
        ({"class": "MLP", "arguments": {"sizes": "ab", "activation": "relu"}}, "byte 8"),
        ({"class": "MLP", "arguments": {"sizes": [3, 2], "activation": "relu"}}, r"missing 0\.weight"),
        ({"class": "MLP", "arguments": {"sizes": [3] * 10**5, "activation": "relu"}}, "than the file holds"),
        ({"class": "Dropout", "arguments": {"p": 7}}, "p must be a probability"),
        ({"class": "LeakyReLU", "arguments": {"negative_slope": "steep"}}, "must be a number"),
        ({"class": "Sequential", "arguments": {"layers": [{"same": 0}]}}, "its own part"),
        ({"class": "Sequential", "arguments": {"layers": [{"same": 5}]}}, "byte 8"),
        ({"class": "Sequential", "arguments": {"layers": [{"same": -1}]}}, "byte 8"),
        (
            {"class": "CNN", "arguments": {"image_shape": [1, 8, 8], "n_classes": 2, "channels": []}},
            "halving",
        ),
        ({"class": "Activation", "arguments": {}}, "cannot be built"),
        ({"class": "Sequential", "arguments": {"layers": 3}}, "byte 8"),
        ({"class": "Sequential", "arguments": {"layers": [3]}}, "byte 8"),
        ({"class": "Linear", "arguments": LINEAR, "task": "world domination"}, "known task"),
        ([], "must be an object"),
        ("Linear", "must be an object"),
    ],
)
def test_hostile_configs(tmp_path, config, message):
    tensors = nn.Linear(3, 2).state_dict()
    text = json.dumps(config)
    metadata = {"chainrule": "1", "config": text, "crc32": saving.checksum(text, tensors)}
    files.write(tmp_path / "x", tensors, metadata)
    with pytest.raises(ModelFileError, match=message):
        nn.load(tmp_path / "x")


def test_a_config_nested_too_deep(tmp_path):
    text = '{"class":"Sequential","arguments":{"layers":[' * 50_000 + "]}}" * 50_000
    files.write(tmp_path / "x", {}, {"chainrule": "1", "config": text, "crc32": saving.checksum(text, {})})
    with pytest.raises(ModelFileError):
        nn.load(tmp_path / "x")


def test_a_shared_module_is_shared_again(tmp_path):
    layer = nn.Linear(3, 3)
    model = nn.Sequential(layer, nn.Tanh(), layer, nn.Sequential(layer))
    model.save(tmp_path / "x")
    assert list(files.read(tmp_path / "x")[0]) == ["0.weight", "0.bias"]
    twin = nn.load(tmp_path / "x")
    assert twin[0] is twin[2]
    assert twin[0] is twin[3][0]
    x = RNG.standard_normal((5, 3))
    assert np.array_equal(twin(x).data, model(x).data)


def test_a_parameter_that_two_modules_share(tmp_path):
    def tied():
        one, two = nn.Linear(3, 3), nn.Linear(3, 3)
        two.weight = one.weight
        return nn.Sequential(one, two)

    model, twin = tied(), tied()
    model.save(tmp_path / "x")
    twin.load(tmp_path / "x")
    assert twin[1].weight is twin[0].weight
    assert np.array_equal(twin[1].weight.data, model[0].weight.data)
    built = nn.load(tmp_path / "x")
    assert built[1].weight is built[0].weight
    x = RNG.standard_normal((5, 3))
    assert np.array_equal(built(x).data, model(x).data)
    untied = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    with pytest.raises(ModelFileError, match="the file holds Sequential"):
        untied.load(tmp_path / "x")


@pytest.mark.parametrize(
    ("tied", "message"),
    [
        ({"1.weight": "0.weight", "1.bias": "0.weight"}, "no two such parameters"),
        ({"1.weight": "0.weight", "2.weight": "0.weight"}, "no two such parameters"),
        ({"1.weight": "0.weight", "": "0.weight"}, "no two such parameters"),
        ({"0.weight": "1.weight"}, "no module of chainrule describes itself"),
        (["1.weight"], "byte 8"),
        ({}, "more parameters than the file holds"),
        (7, "byte 8"),
    ],
)
def test_hostile_ties(tmp_path, tied, message):
    tensors = {"0.weight": np.zeros((3, 3)), "0.bias": np.zeros(3), "1.bias": np.zeros(3)}
    config = saving.describe(nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3)))
    text = json.dumps({**config, "tied": tied})
    metadata = {"chainrule": "1", "config": text, "crc32": saving.checksum(text, tensors)}
    files.write(tmp_path / "x", tensors, metadata)
    with pytest.raises(ModelFileError, match=message):
        nn.load(tmp_path / "x")


def test_pytorchs_batch_norm_loads(tmp_path):
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'chainrule[oracle]'")
    theirs = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    theirs(torch.randn(4, 1, 5, 5))
    files.write(tmp_path / "x", {name: t.numpy() for name, t in theirs.state_dict().items()}, {})
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    model.load(tmp_path / "x")
    assert model[1].num_batches_tracked.item() == 1
    x = RNG.standard_normal((2, 1, 5, 5)).astype(np.float32)
    expected = theirs.eval()(torch.tensor(x)).detach().numpy()
    assert np.allclose(model.eval()(x).data, expected, atol=1e-5)


def test_arguments_that_no_file_can_hold(tmp_path):
    class Odd(nn.Module):
        def arguments(self):
            return {"function": max}

    with pytest.raises(TypeError, match=r"cannot save this Sequential: .*builtin.*; let the `arguments\(\)`"):
        nn.Sequential(Odd()).save(tmp_path / "x")
    assert not list(tmp_path.iterdir())
