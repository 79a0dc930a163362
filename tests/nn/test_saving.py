"""Models in files: what comes back, what is refused, and 500 damaged files."""

import json

import numpy as np
import pytest

from chainrule import nn
from chainrule.nn import ModelFileError, files, saving
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
    *(
        kind()
        for kind in dict.fromkeys(kind for kind, _ in CLASSES.values())
        if issubclass(kind, nn.Activation)
    ),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)
def test_a_model_comes_back(tmp_path, model):
    for parameter in model.parameters():
        parameter.data = RNG.standard_normal(parameter.shape)
    model.task = "multiclass"
    model.save(tmp_path / "model")
    twin = nn.load(tmp_path / "model")
    assert type(twin) is type(model)
    assert repr(twin) == repr(model)
    assert twin.task == "multiclass"
    x = RNG.standard_normal((5, 3))
    assert np.array_equal(np.asarray(twin(x)), np.asarray(model(x)))
    for name, parameter in twin.named_parameters():
        assert parameter.dtype == dict(model.named_parameters())[name].dtype
    other = nn.load(tmp_path / "model")
    for parameter in other.parameters():
        parameter.data = np.zeros(parameter.shape)
    other.load(tmp_path / "model")
    assert np.array_equal(np.asarray(other(x)), np.asarray(model(x)))


def test_every_exported_module_can_be_loaded():
    bases = {nn.Module, nn.Activation}
    kinds = {kind for kind in vars(nn).values() if isinstance(kind, type) and issubclass(kind, nn.Module)}
    assert kinds - bases == {kind for kind, _ in CLASSES.values()}


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
        ({"class": "Linear", "arguments": LINEAR | {"in_features": 4}}, r"needs weight of shape \(2, 4\)"),
        ({"class": "Linear", "arguments": LINEAR | {"out_features": 10**9}}, "needs weight of shape"),
        ({"class": "Linear", "arguments": LINEAR | {"bias": False}}, "the file has bias"),
        ({"class": "Linear", "arguments": LINEAR | {"init": "constant"}}, "init"),
        ({"class": "Linear", "arguments": LINEAR | {"generator": "x"}}, "generator"),
        ({"class": "Linear", "arguments": LINEAR | {"dtype": "S99999999"}}, "dtype must be"),
        ({"class": "MLP", "arguments": {"sizes": [3, 10**12, 2], "activation": "relu"}}, "needs 0.weight"),
        ({"class": "MLP", "arguments": {"sizes": "ab", "activation": "relu"}}, "byte 8"),
        ({"class": "MLP", "arguments": {"sizes": [3, 2], "activation": "relu"}}, "needs 0.weight"),
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
    metadata = {"chainrule": "1", "config": text, "crc32": saving._checksum(text, tensors)}
    files.write(tmp_path / "x", tensors, metadata)
    with pytest.raises(ModelFileError, match=message):
        nn.load(tmp_path / "x")


def test_a_config_nested_too_deep(tmp_path):
    text = '{"class":"Sequential","arguments":{"layers":[' * 50_000 + "]}}" * 50_000
    files.write(tmp_path / "x", {}, {"chainrule": "1", "config": text, "crc32": saving._checksum(text, {})})
    with pytest.raises(ModelFileError):
        nn.load(tmp_path / "x")


def mutations(content, count):
    """Damage of all kinds: flipped bits, cut and doubled parts, bytes from elsewhere, swapped words."""
    rng = np.random.default_rng(0)
    for i in range(count):
        data = bytearray(content)
        place = int(rng.integers(len(data)))
        match i % 6:
            case 0:
                data[place] ^= 1 << int(rng.integers(8))
            case 1:
                del data[place:]
            case 2:
                del data[place : place + int(rng.integers(1, 9))]
            case 3:
                data[place:place] = data[: int(rng.integers(1, 40))]
            case 4:
                data[place] = int(rng.integers(256))
                data[8 + int(rng.integers(200))] = ord(str(rng.integers(10)))
            case 5:
                data[: 8 + 1] = rng.bytes(9)
        yield bytes(data)


def test_five_hundred_damaged_files(tmp_path):
    model = nn.Sequential(nn.Flatten(), nn.MLP([3, 4, 2]), nn.LeakyReLU())
    model.save(tmp_path / "good")
    content = (tmp_path / "good").read_bytes()
    x = RNG.standard_normal((2, 3))
    path = tmp_path / "bad"
    refused = []
    for damaged in mutations(content, 510):
        path.write_bytes(damaged)
        twin = nn.Sequential(nn.Flatten(), nn.MLP([3, 4, 2]), nn.LeakyReLU())
        before = twin.state_dict()
        try:
            twin.load(path)
            built = nn.load(path)
        except ModelFileError as error:
            refused.append(str(error))
            assert all(np.array_equal(before[name], array) for name, array in twin.state_dict().items())
        else:  # then the damage changed nothing that counts, such as a space of the header
            assert np.array_equal(built(x).data, model(x).data)
    assert len(refused) > 450
    assert all(message.startswith(f"{path}, byte ") for message in refused)
