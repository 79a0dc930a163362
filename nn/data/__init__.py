"""Data to learn from: shipped real sets, made sets, readers, and what prepares arrays for a model.

Everything here works on plain NumPy arrays; nothing records a graph.
"""

from chainrule.nn.data.datasets import (
    Dataset,
    load_auto_mpg,
    load_breast_cancer,
    load_digits,
    load_iris,
    load_wine,
)
from chainrule.nn.data.encode import TableEncoder, Vocabulary, one_hot, split_words
from chainrule.nn.data.generators import make_blobs, make_circles, make_moons, make_spirals, make_xor
from chainrule.nn.data.loader import ArrayDataset, DataLoader
from chainrule.nn.data.people import make_people
from chainrule.nn.data.readers import load_cifar10, load_mnist, read_csv, read_idx
from chainrule.nn.data.scale import L2, MinMax, Standardize, flatten_images
from chainrule.nn.data.split import k_fold, train_test_split

__all__ = [
    "L2",
    "ArrayDataset",
    "DataLoader",
    "Dataset",
    "MinMax",
    "Standardize",
    "TableEncoder",
    "Vocabulary",
    "flatten_images",
    "k_fold",
    "load_auto_mpg",
    "load_breast_cancer",
    "load_cifar10",
    "load_digits",
    "load_iris",
    "load_mnist",
    "load_wine",
    "make_blobs",
    "make_circles",
    "make_moons",
    "make_people",
    "make_spirals",
    "make_xor",
    "one_hot",
    "read_csv",
    "read_idx",
    "split_words",
    "train_test_split",
]
