"""A fit in a few lines: what it is, how likely the rows are, and its components.

Values that print as text, show as a table in notebooks, and export as a dict.
"""

from dataclasses import dataclass, fields
from html import escape
from typing import Any

import numpy as np
from sklearn.utils.multiclass import type_of_target

from gmmem import criteria

# Components and features that are shown; `Summary.to_dict` has all.
MOST_ROWS, MOST_COLUMNS = 30, 8

GIVE_ROWS = "Log-likelihood, criteria and sizes are those of rows: summary(X)."


@dataclass(frozen=True, eq=False, repr=False)
class Summary:
    """What `summary` of a fitted mixture says.

    ``print`` shows it as text, a notebook as tables; `to_dict` has every number.

    Parameters
    ----------
    estimator : str
        The class that was fitted.
    model : str
        Covariance model, by its ``covariance_type``.
    n_components : int
        K, the number of components.
    feature_names : tuple of str
        Names of the features, or x0, x1, ... where X had none.
    n_parameters : int
        Free parameters.
    status : {"converged", "not converged", "stream", "given"}
        How the fit ended; "stream" after `partial_fit`, "given" without iterations.
    n_iter : int
        Iterations of EM, or steps of a stream.
    weights : ndarray of shape (n_components,)
        Mixing weights.
    means : ndarray of shape (n_components, n_features)
        Means.
    n_samples : float or None, default=None
        Number of rows, or the sum of their weights; None, as what follows, without rows.
    log_likelihood : float or None, default=None
        Total over the rows, in nats.
    bic, icl : float or None, default=None
        Criteria: the lower the better.
    sizes : ndarray of shape (n_components,) or None, default=None
        How many rows each component is the most probable of, by their weights.
    standard_errors : dict or None, default=None
        Of "weights" and "means", in the shapes of these.
    advice : tuple of str, default=()
        What is to be doubted, and what to do.

    Examples
    --------
    >>> from gmmem import GaussianMixture
    >>> from gmmem.datasets import load_old_faithful
    >>> X = load_old_faithful()
    >>> model = GaussianMixture(2, tol=1e-6, random_state=0).fit(X)
    >>> found = model.summary(X)
    >>> round(found.log_likelihood, 2), found.n_samples, found.sizes
    (-1130.26, 272.0, array([ 97., 175.]))
    """

    estimator: str
    model: str
    n_components: int
    feature_names: tuple[str, ...]
    n_parameters: int
    status: str
    n_iter: int
    weights: np.ndarray
    means: np.ndarray
    n_samples: float | None = None
    log_likelihood: float | None = None
    bic: float | None = None
    icl: float | None = None
    sizes: np.ndarray | None = None
    standard_errors: dict[str, np.ndarray] | None = None
    advice: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Every number, in lists and plain types, such as ``json.dumps`` takes.

        Returns
        -------
        summary : dict
            By the names of the parameters; what is not known is None.

        Examples
        --------
        >>> from gmmem import GaussianMixture
        >>> model = GaussianMixture.from_parameters([1], [[0]], [[[1]]])
        >>> found = model.summary([[0.0], [1], [2]]).to_dict()
        >>> found["n_components"], found["means"], round(found["bic"], 2)
        (1, [[0.0]], 12.71)
        """
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}

    def __str__(self) -> str:
        parts = [self._title(), _text(*self._judged()), _text(*self._components())]
        return "\n\n".join([*parts, "\n".join(self._remarks())])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        remarks = "".join(f"<p>{escape(line)}</p>" for line in self._remarks())
        tables = _html(*self._judged()) + _html(*self._components())
        return f"<div><p><b>{escape(self._title())}</b></p>{tables}{remarks}</div>"

    def _title(self) -> str:
        K, d = self.n_components, len(self.feature_names)
        return f"{self.estimator}: {self.model}, {_count(K, 'component')}, {_count(d, 'feature')}"

    def _judged(self) -> tuple[list[str], list[list[str]]]:
        """The heads and the one row of the first table."""
        heads, row = ["parameters"], [str(self.n_parameters)]
        if self.n_samples is not None:
            heads = ["log-likelihood", "n", *heads, "BIC", "ICL"]
            numbers = (f"{value:.2f}" for value in (self.bic, self.icl))
            row = [f"{self.log_likelihood:.2f}", f"{self.n_samples:.10g}", *row, *numbers]
        return heads, [row]

    def _components(self) -> tuple[list[str], list[list[str]]]:
        """The heads and the rows of the table of components."""
        errors = self.standard_errors or {}
        names = self.feature_names[:MOST_COLUMNS]
        heads = ["component", "weight", *(["size"] if self.sizes is not None else []), *names]
        table = []
        for k in range(min(self.n_components, MOST_ROWS)):
            row = [str(k), _number(self.weights, errors.get("weights"), k)]
            if self.sizes is not None:
                row.append(f"{self.sizes[k]:.10g}")
            row += [_number(self.means, errors.get("means"), (k, j)) for j in range(len(names))]
            table.append(row)
        if len(names) < len(self.feature_names):
            heads.append("...")
            table = [[*row, ""] for row in table]
        if len(table) < self.n_components:
            table.append(["...", *[""] * (len(heads) - 1)])
        return heads, table

    def _remarks(self) -> list[str]:
        ended = {
            "converged": f"Converged in {_count(self.n_iter, 'iteration')}.",
            "not converged": f"Not converged in {_count(self.n_iter, 'iteration')}.",
            "stream": f"Followed a stream for {_count(self.n_iter, 'step')}.",
            "given": "Given, without iterations.",
        }
        lines = [ended[self.status]]
        if self.standard_errors is not None:
            lines.append("Standard errors in brackets.")
        if self.n_samples is None:
            lines.append(GIVE_ROWS)
        return [*lines, *(f"Advice: {sentence}" for sentence in self.advice)]


@dataclass(frozen=True, eq=False, repr=False)
class ClassTable:
    """How many rows of each known class each component holds.

    Parameters
    ----------
    counts : ndarray of shape (n_components, n_classes)
        Rows, or the sums of their weights.
    classes : ndarray of shape (n_classes,)
        The classes, sorted.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from gmmem import GaussianMixture
    >>> iris = load_iris()
    >>> means = [[5.0, 3.4, 1.5, 0.2], [5.9, 2.8, 4.3, 1.3], [6.6, 3.0, 5.6, 2.0]]
    >>> model = GaussianMixture(3, means_init=means).fit(iris.data)
    >>> model.table(iris.data, iris.target_names[iris.target])
    component  setosa  versicolor  virginica
            0      50           0          0
            1       0          45          0
            2       0           5         50
    """

    counts: np.ndarray
    classes: np.ndarray

    def to_dict(self) -> dict[Any, list]:
        """The counts of each class, by component.

        Returns
        -------
        table : dict
            From a class to a list of n_components counts: ``pandas.DataFrame(...)`` takes it.

        Examples
        --------
        >>> from gmmem import GaussianMixture
        >>> model = GaussianMixture.from_parameters([.5, .5], [[0], [9]], [[[1]]] * 2)
        >>> model.table([[0.0], [1], [9]], ["a", "b", "b"]).to_dict()
        {'a': [1.0, 0.0], 'b': [1.0, 1.0]}
        """
        columns = zip(self.classes.tolist(), self.counts.T.tolist(), strict=True)
        return dict(columns)

    def _cells(self) -> tuple[list[str], list[list[str]]]:
        rows = [[str(k), *(f"{n:.10g}" for n in row)] for k, row in enumerate(self.counts)]
        return ["component", *map(str, self.classes.tolist())], rows

    def __str__(self) -> str:
        return _text(*self._cells())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return _html(*self._cells())


def numbered(y: Any, n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """The classes, sorted, and the number of each row's.

    Raises
    ------
    ValueError
        If there is not one class for each row, or they cannot be sorted or are no classes.
    """
    y = np.asarray(y)
    if y.shape != (n_rows,):
        raise ValueError(
            f"y must hold one class for each of the {n_rows} rows of X; its shape is {y.shape}."
        )
    if type_of_target(y) == "continuous":
        raise ValueError("y holds numbers that are not whole, which name no classes.")
    try:
        classes, numbers = np.unique(y, return_inverse=True)
    except TypeError as error:
        raise ValueError(
            f"y holds classes that cannot be sorted ({error}): make them all strings or numbers."
        ) from None
    return classes, numbers.ravel()


def judged_by(fit: criteria.FitSummary | None) -> dict[str, float]:
    """What a summary says of the rows, if there are any."""
    if fit is None:
        return {}
    return {
        "n_samples": float(fit.n_samples),
        "log_likelihood": float(fit.log_likelihood),
        "bic": criteria.bic(fit),
        "icl": criteria.icl(fit),
    }


def checked_errors(bootstrap: Any, means: np.ndarray) -> dict[str, np.ndarray] | None:
    """The standard errors of weights and means that a bootstrap has found.

    Raises
    ------
    TypeError, ValueError
        If it is none, or one of another mixture.
    """
    if bootstrap is None:
        return None
    if not hasattr(bootstrap, "standard_errors"):
        raise TypeError(
            "bootstrap must be what gmmem.bootstrap.bootstrap(model, X) gives, not "
            f"{type(bootstrap).__name__}."
        )
    errors = bootstrap.standard_errors()
    if errors["means"].shape != means.shape:
        raise ValueError(
            f"bootstrap is of another mixture: its means are {errors['means'].shape}, these are "
            f"{means.shape} (n_components, n_features)."
        )
    return {name: errors[name] for name in ("weights", "means")}


# --- cells ---------------------------------------------------------------------


def _number(values: np.ndarray, errors: np.ndarray | None, place: Any) -> str:
    """A parameter, with its standard error in brackets."""
    shown = f"{values[place]:.4g}"
    return shown if errors is None else f"{shown} ({errors[place]:.2g})"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" + ("" if number == 1 else "s")


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _text(heads: list[str], rows: list[list[str]]) -> str:
    """A table in aligned columns."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = (
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [heads, *rows]
    )
    return "\n".join(lines)


def _html(heads: list[str], rows: list[list[str]]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
