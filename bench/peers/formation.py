"""Distances and groups of devices' weights, with numpy and scikit-learn.

Usage: formation.py FOLDER DEVICES...

FOLDER holds, for each number of devices, what `cargo bench --bench growth -- --weights FOLDER` left there. Prints, for
each: the devices; milliseconds for all squared distances with numpy, for all distances with scikit-learn, for the
barycenters of our coalitions, their centers and the nearest one of each device with numpy, and for k-means on the weights
with its means; the pairs of devices that our coalitions bring together and numpy's nearest centers do not, or the other way
round, and the same with k-means.
"""

import sys
import time
from pathlib import Path

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import pairwise_distances

REPETITIONS = 5


def milliseconds(work, repetitions=REPETITIONS):
    """The median over some repetitions, and what the last one gave."""
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        result = work()
        times.append(1e3 * (time.perf_counter() - start))
    return sorted(times)[repetitions // 2], result


def squared_distances(weights):
    products = weights @ weights.T
    squares = np.diag(products)
    return np.maximum(squares[:, None] + squares[None, :] - 2 * products, 0)


def assigned(weights, distances, groups):
    """Of the groups the means; of each device the group whose center, the member nearest to the mean, is the nearest."""
    belongs = np.equal.outer(np.unique(groups), groups)
    means = belongs.astype(np.float32) @ weights / belongs.sum(1, keepdims=True)
    # The member nearest to the mean has the least sum of squared distances to all members.
    sums = belongs.astype(np.float32) @ distances
    centers = np.where(belongs, sums, np.inf).argmin(1)
    return means, distances[:, centers].argmin(1)


def pairs_apart(one, other):
    together = [np.equal.outer(groups, groups) for groups in (one, other)]
    return int((together[0] != together[1]).sum()) // 2


def main(folder, devices):
    for n in devices:
        weights = np.fromfile(folder / f"{n}.f32", dtype="<f4").reshape(n, -1)
        ours = np.array((folder / f"{n}.coalitions").read_text().split(), dtype=int)
        if len(ours) != n:
            sys.exit(f"{len(ours)} of {n} devices are in a coalition")
        with_numpy, distances = milliseconds(lambda: squared_distances(weights))
        with_sklearn, _ = milliseconds(lambda: pairwise_distances(weights))
        with_barycenters, (_, nearest) = milliseconds(lambda: assigned(weights, distances, ours))
        # As many beginnings as it takes to find the groups at all; ours are counted in our time as well. Once a turn is
        # enough: with a thousand devices it takes a minute.
        means = KMeans(len(np.unique(ours)), n_init=10, random_state=1)
        with_means, found = milliseconds(lambda: means.fit(weights), 1)
        times = [with_numpy, with_sklearn, with_barycenters, with_means]
        apart = [pairs_apart(ours, nearest), pairs_apart(ours, found.labels_)]
        print(f"{n:8}", *(f"{time:12.2f}" for time in times), *(f"{pairs:8}" for pairs in apart), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), [int(n) for n in sys.argv[2:]])
