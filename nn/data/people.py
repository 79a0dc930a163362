"""A made table of people: structured data with numbers and categories, and an answer with a known rule."""

import numpy as np

from chainrule.nn.data.check import Array, Labels, Seed, as_count, generator

CITIES = ("London", "New York", "Amsterdam", "Cairo", "Beijing", "Chicago")
CITY_EFFECT = (0.5, 0.0, 2.0, -1.0, 1.0, -1.5)


def make_people(n: int = 200, *, seed: Seed = None) -> tuple[dict[str, Array], Labels]:
    """A table of people (id, age, gender, height, city) and whether each cycles to work.

    Someone cycles with probability sigmoid(s), where

        s = -0.08 (age - 40) + 0.03 (height - 172) + 0.4 [gender = M] + effect of the city,

    and the cities' effects are London 0.5, New York 0, Amsterdam 2, Cairo -1, Beijing 1, Chicago -1.5. So
    logistic regression on the encoded table should find these weights, and no model can be right every time.

    Args:
        n: number of people.
        seed: number or generator that makes the table repeatable.

    Returns:
        The table as a dict of columns, each of length n: id ("0001", ...), age (18..80 years), gender ("F",
        "M"), height (cm), city; and y of shape (n,), 1 for those who cycle.

    Raises:
        ValueError: n below 1.

    >>> table, y = make_people(3, seed=0)
    >>> list(table), table["id"], len(y)
    (['id', 'age', 'gender', 'height', 'city'], array(['0001', '0002', '0003'], dtype='<U4'), 3)
    """
    n = as_count("make_people", n, "n")
    rng = generator("make_people", seed)
    age = rng.integers(18, 81, n)
    male = rng.integers(0, 2, n)
    height = np.rint(rng.normal(165 + 13 * male, 7)).astype(np.int64)
    city = rng.integers(0, len(CITIES), n)
    score = -0.08 * (age - 40) + 0.03 * (height - 172) + 0.4 * male + np.array(CITY_EFFECT)[city]
    y = (rng.random(n) < 1 / (1 + np.exp(-score))).astype(np.int64)
    table = {
        "id": np.array([f"{i:04d}" for i in range(1, n + 1)]),
        "age": age,
        "gender": np.array(["F", "M"])[male],
        "height": height,
        "city": np.array(CITIES)[city],
    }
    return table, y
