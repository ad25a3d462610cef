"""Distances and groups of devices' weights, with numpy and scikit-learn.

Usage: formation.py FOLDER DEVICES...

FOLDER holds, for each number of devices, what `cargo bench --bench growth -- --weights FOLDER` left there. Prints, for
each: the devices, milliseconds for all squared distances with numpy, for all distances with scikit-learn, for k-means on
the weights with its means, and the adjusted Rand index of those groups and our coalitions.
"""

import sys
import time
from pathlib import Path

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, pairwise_distances

REPETITIONS = 5


def milliseconds(work):
    """The median over some repetitions, and what the last one gave."""
    times = []
    for _ in range(REPETITIONS):
        start = time.perf_counter()
        result = work()
        times.append(1e3 * (time.perf_counter() - start))
    return sorted(times)[REPETITIONS // 2], result


def squared_distances(weights):
    products = weights @ weights.T
    squares = np.diag(products)
    return np.maximum(squares[:, None] + squares[None, :] - 2 * products, 0)


def main(folder, devices):
    for n in devices:
        weights = np.fromfile(folder / f"{n}.f32", dtype="<f4").reshape(n, -1)
        ours = [int(line) for line in (folder / f"{n}.coalitions").read_text().split()]
        with_numpy, _ = milliseconds(lambda: squared_distances(weights))
        with_sklearn, _ = milliseconds(lambda: pairwise_distances(weights))
        # As many beginnings as it takes to find the groups at all; ours are counted in our time as well.
        means = KMeans(len(set(ours)), n_init=10, random_state=1)
        with_means, found = milliseconds(lambda: means.fit(weights))
        agreement = adjusted_rand_score(ours, found.labels_)
        print(f"{n:8} {with_numpy:12.2f} {with_sklearn:12.2f} {with_means:12.2f} {agreement:8.3f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [int(n) for n in sys.argv[2:]])
