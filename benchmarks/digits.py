"""Test accuracy on the handwritten digits, over ten seeds: `python -P benchmarks/digits.py`."""

import statistics

from chainrule.nn.recipes import train_digits

SEEDS = range(10)
GOAL = 0.97


def main() -> None:
    print("seed  test accuracy  seconds")
    runs = []
    for seed in SEEDS:
        run = train_digits(seed)
        runs.append(run)
        print(f"{seed:4}  {run.accuracy:13.4f}  {run.seconds:7.2f}")
    accuracy = statistics.median(run.accuracy for run in runs)
    seconds = statistics.median(run.seconds for run in runs)
    print(f"median accuracy {accuracy:.4f} (goal {GOAL}), median time {seconds:.2f} s")


if __name__ == "__main__":
    main()
