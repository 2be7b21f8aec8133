"""Measures one job once, in a process of its own.

`python -m benchmarks.measure '{"peer": …}'` takes a `Job` as JSON and prints what it cost as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.jobs import Job
from benchmarks.machine import Memory
from benchmarks.peers import PEERS, Run
from onelayer.data import load
from onelayer.preprocessing import one_hot
from onelayer.sampling import sample


def prepare(job: Job) -> Run:
    """Read and draw the job's data: 2,000 validation images (of MNIST), as in the report."""
    images = load(job.dataset)
    state = np.random.RandomState(0)
    suited = images.settings("softmax", train_size=job.train_size)
    sizes = {"train_size": suited.train_size, "validation_size": suited.validation_size}
    split = sample(images, state, dtype=PEERS[job.peer][1], **sizes)
    if job.num_classes != images.num_classes:
        train, validation = (
            one_hot(state.randint(0, job.num_classes, len(X)), job.num_classes, X.dtype)
            for X in (split.X_train, split.X_validation)
        )
        split = replace(split, targets_train=train, targets_validation=validation)
    orders = [state.permutation(len(split.X_train)) for _ in range(job.num_epochs)]
    return Run(job, split, orders, suited.batch_size)


def measure(job: Job) -> dict[str, Any]:
    """Train for one epoch to warm up, then once measured."""
    run, train = prepare(job), PEERS[job.peer][0]
    train(replace(run, job=replace(job, num_epochs=1), orders=run.orders[:1]))
    memory = Memory()
    wall, cpu = time.perf_counter(), time.process_time()
    losses, accuracies = train(run)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {
        "wall": wall,
        "cpu": cpu,
        "extra_bytes": memory.extra_bytes(),
        "validation_loss": losses,
        "validation_accuracy": accuracies,
    }


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    json.dump(measure(Job(**{**asked, "l2_lambdas": tuple(asked["l2_lambdas"])})), sys.stdout)
