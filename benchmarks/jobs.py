"""What is measured and what it costs: a job, its result, and tables of jobs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Job:
    """One training to measure; by default, task 3's run."""

    peer: str
    dataset: str = "mnist"
    l2_lambdas: tuple[float, ...] = (0.0,)
    train_accuracy: bool = True
    train_size: int | None = None  # None: what suits the data set
    num_classes: int = 10  # other than 10: random targets, which cost the same time
    num_epochs: int = 50
    learning_rate: float = 0.01
    threads: int = 1


@dataclass(frozen=True)
class Result:
    """Medians over the rounds, and where the last validation ended."""

    wall: float  # seconds
    cpu: float  # seconds, of all threads
    extra_bytes: float | None
    validation_loss: list[float]
    validation_accuracy: list[float]


Table = dict[str, dict[int, Job]]  # row, number of threads
