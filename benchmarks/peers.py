"""Five ways to do the same training: ours, its peers, and the limit.

Unless their docstrings say otherwise, all get the same images, the same batches in the same order,
and the same steps and validations. Each returns the losses and accuracies of the last validation,
so that results.md can show that they did the same work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.jobs import Job
from onelayer.models import SoftmaxRegression
from onelayer.sampling import Split
from onelayer.threads import use_threads
from onelayer.trainers import Trainer

Outcome = tuple[list[float], list[float]]  # validation losses and accuracies, one for each λ


@dataclass(frozen=True)
class Run:
    """A job with its data: what a peer gets."""

    job: Job
    split: Split
    orders: list[np.ndarray[Any, Any]]  # of the images, one for each epoch
    batch_size: int

    @property
    def steps_per_epoch(self) -> int:
        """Return the number of whole batches."""
        return len(self.split.X_train) // self.batch_size

    def batches(self) -> Iterator[tuple[np.ndarray[Any, Any], bool]]:
        """Yield the indices of each batch, and whether a validation follows its update."""
        steps = self.steps_per_epoch
        for epoch, order in enumerate(self.orders):
            for i, batch in enumerate(order[: steps * self.batch_size].reshape(steps, -1)):
                yield batch, (epoch * steps + i) % max(1, steps // 5) == 0


def ours(run: Run) -> Outcome:
    """Train with this project's trainer, all λ side by side."""
    job = run.job
    trainer = Trainer(
        SoftmaxRegression(job.num_classes),
        job.learning_rate,
        run.batch_size,
        job.num_epochs,
        train_accuracy=job.train_accuracy,
        progress=False,
    )
    with use_threads(job.threads):
        histories = trainer.fit_each(run.split, _Replay(run.orders), job.l2_lambdas)
    losses = [float(history.validation_loss[-1]) for history in histories]
    return losses, [float(history.validation_accuracy[-1]) for history in histories]


class _Replay(np.random.RandomState):
    """Returns given permutations, so that no measurement includes drawing them."""

    def __init__(self, orders: list[np.ndarray[Any, Any]]) -> None:
        super().__init__(0)
        self._orders = iter(orders)

    def permutation(self, _: Any) -> Any:
        return next(self._orders)


def textbook(run: Run) -> Outcome:
    """Train with the loop that a textbook's formulas suggest, one λ after the other."""
    split, outcome = run.split, _empty()
    X, Y = split.X_train, split.targets_train

    def predict(inputs: Any, w: Any) -> Any:
        z = inputs @ w
        exp = np.exp(z - z.max(axis=1, keepdims=True))
        return exp / exp.sum(axis=1, keepdims=True)

    def cross_entropy(targets: Any, probabilities: Any) -> Any:
        return -(targets * np.log(probabilities)).sum(axis=1).mean()

    def accuracy(targets: Any, probabilities: Any) -> Any:
        return (probabilities.argmax(axis=1) == targets.argmax(axis=1)).mean()

    for l2_lambda in run.job.l2_lambdas:
        w = np.zeros((X.shape[1], Y.shape[1]), X.dtype)
        train_losses, validations, train_accuracies = [], [], []
        for batch, is_validated in run.batches():
            x, y = X[batch], Y[batch]
            probabilities = predict(x, w)
            train_losses.append(cross_entropy(y, probabilities))
            gradient = -x.T @ (y - probabilities) / len(x) + l2_lambda * w
            w = w - run.job.learning_rate * gradient
            if is_validated:
                probabilities = predict(split.X_validation, w)
                loss = cross_entropy(split.targets_validation, probabilities)
                validations.append((loss, accuracy(split.targets_validation, probabilities)))
                if run.job.train_accuracy:
                    train_accuracies.append(accuracy(Y, predict(X, w)))
        _append(outcome, *validations[-1])
    return outcome


def pytorch(run: Run) -> Outcome:
    """Train with PyTorch as its tutorials do, except for the loader: batches are indexed.

    A DataLoader would add several times the cost of a step, so leaving it out favours PyTorch.
    """
    import torch
    from torch import nn

    torch.set_num_threads(run.job.threads)
    split, outcome = run.split, _empty()
    # The layer has a bias of its own, so the images' constant column is dropped.
    X, X_validation = (
        torch.from_numpy(np.ascontiguousarray(a[:, :-1]))
        for a in (split.X_train, split.X_validation)
    )
    labels, labels_validation = (
        torch.from_numpy(a.argmax(axis=1)) for a in (split.targets_train, split.targets_validation)
    )
    for l2_lambda in run.job.l2_lambdas:
        model = nn.Linear(X.shape[1], run.job.num_classes)
        nn.init.zeros_(model.weight)
        nn.init.zeros_(model.bias)
        loss_function = nn.CrossEntropyLoss()
        optimizer = torch.optim.SGD(
            model.parameters(), lr=run.job.learning_rate, weight_decay=l2_lambda
        )
        train_losses, validations, train_accuracies = [], [], []
        for batch, is_validated in run.batches():
            indices = torch.from_numpy(batch)
            loss = loss_function(model(X[indices]), labels[indices])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            train_losses.append(loss.item())
            if is_validated:
                with torch.no_grad():
                    z = model(X_validation)
                    accuracy = (z.argmax(dim=1) == labels_validation).float().mean().item()
                    validations.append((loss_function(z, labels_validation).item(), accuracy))
                    if run.job.train_accuracy:
                        is_right = model(X).argmax(dim=1) == labels
                        train_accuracies.append(is_right.float().mean().item())
        _append(outcome, *validations[-1])
    return outcome


def scikit_learn(run: Run) -> Outcome:
    """Train scikit-learn's SGDClassifier, one `partial_fit` for each epoch.

    It does something else, but close enough to compare: K models of one class against the rest
    instead of one softmax; an update after each image instead of each batch, so with 1/B of the
    learning rate; one validation in each epoch instead of five; always one thread.
    """
    from sklearn.linear_model import SGDClassifier

    split, outcome = run.split, _empty()
    labels, labels_validation = (
        a.argmax(axis=1) for a in (split.targets_train, split.targets_validation)
    )
    for l2_lambda in run.job.l2_lambdas:
        model = SGDClassifier(
            loss="log_loss",
            penalty="l2" if l2_lambda else None,
            alpha=l2_lambda,
            learning_rate="constant",
            eta0=run.job.learning_rate / run.batch_size,
            fit_intercept=False,  # the images include the bias
            shuffle=False,
        )
        classes = np.arange(run.job.num_classes)
        for order in run.orders:
            model.partial_fit(split.X_train[order], labels[order], classes)
            accuracy = model.score(split.X_validation, labels_validation)
            if run.job.train_accuracy:
                model.score(split.X_train, labels)
        _append(outcome, float("nan"), accuracy)
    return outcome


def limit(run: Run) -> Outcome:
    """Do only the trainer's matrix products and gathers.

    The weights are constant, so nothing is learnt. The products for the training accuracy are made
    at the end, with as many weights and rows at a time as proved fastest.
    """
    split = run.split
    X, Y, dtype = split.X_train, split.targets_train, split.X_train.dtype
    num_columns = len(run.job.l2_lambdas) * run.job.num_classes
    random = np.random.default_rng(0)
    w = random.normal(scale=0.1, size=(X.shape[1], num_columns)).astype(dtype)
    x = np.empty((run.batch_size, X.shape[1]), dtype)
    y = np.empty((run.batch_size, Y.shape[1]), dtype)
    z = np.empty((run.batch_size, num_columns), dtype)
    gradient = np.empty_like(w)
    z_validation = np.empty((len(split.X_validation), num_columns), dtype)
    num_validations = 0
    for batch, is_validated in run.batches():
        X.take(batch, axis=0, out=x, mode="clip")
        Y.take(batch, axis=0, out=y, mode="clip")
        np.matmul(x, w, out=z)
        np.matmul(x.T, z, out=gradient)
        if is_validated:
            np.matmul(split.X_validation, w, out=z_validation)
            num_validations += 1
    if run.job.train_accuracy:
        at_once = min(num_validations, LIMIT_COLUMNS // num_columns)
        many = np.tile(w, at_once)
        block = np.empty((min(LIMIT_ROWS, len(X)), many.shape[1]), dtype)
        for first in range(0, num_validations, at_once):
            columns = min(at_once, num_validations - first) * num_columns
            for start in range(0, len(X), LIMIT_ROWS):
                rows = X[start : start + LIMIT_ROWS]
                np.matmul(rows, many[:, :columns], out=block[: len(rows), :columns])
    return [float("nan")], [float("nan")]


LIMIT_COLUMNS, LIMIT_ROWS = 2500, 2250

PEERS: dict[str, tuple[Callable[[Run], Outcome], str]] = {  # and the dtype of the data
    "ours": (ours, "float32"),
    "limit": (limit, "float32"),
    "textbook, float64": (textbook, "float64"),
    "textbook, float32": (textbook, "float32"),
    "PyTorch": (pytorch, "float32"),
    "scikit-learn": (scikit_learn, "float32"),
}


def _empty() -> Outcome:
    return [], []


def _append(outcome: Outcome, loss: float, accuracy: float) -> None:
    outcome[0].append(float(loss))
    outcome[1].append(float(accuracy))
