"""What a query asks for: metrics, labels and values that exist, and labels that are there where they are named."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import promql_parser as promql

from operators.core.metric import Kind
from operators.core.metrics import METRICS
from tests.exposition import values

#: Labels of a metric with their values; None where those are free.
Labels = Mapping[str, frozenset[str] | None]
Known = Mapping[str, Labels]

#: What Prometheus adds to whatever it scrapes.
TARGET: Labels = {"job": None, "instance": None}
#: Series of others, by the names their exporters give them.
FOREIGN: Known = {
    **{
        f"DCGM_FI_{name}": {**TARGET, "gpu": None, "pod": None, "namespace": None}
        for name in (
            "PROF_PIPE_TENSOR_ACTIVE",
            "DEV_GPU_UTIL",
            "DEV_FB_USED",
            "DEV_POWER_USAGE",
            "DEV_XID_ERRORS",
        )
    },
    "kuberay_job_deployment_status": {
        **TARGET,
        "name": None,
        "namespace": None,
        "deployment_status": frozenset({"Failed", "Complete", "Running", "Retrying", "Suspended", ""}),
    },
    "ALERTS": {
        "alertname": None,
        "alertstate": frozenset({"pending", "firing"}),
        "severity": frozenset({"critical", "warning", "info"}),
        "collection": None,
        "encoder": None,
    },
}
_SUFFIXES = {Kind.HISTOGRAM: ("_bucket", "_sum", "_count")}
_SET_OPERATORS = {"and", "or", "unless"}
_KEEP_SERIES = {"topk", "bottomk"}


class QueryError(Exception):
    """What is wrong with a query."""


def listed() -> dict[str, Labels]:
    """Every series of the listed metrics, by its name."""
    found: dict[str, Labels] = {}
    for metric in METRICS:
        labels = {label: _frozen(values(metric, label)) for label in metric.labels}
        for suffix in _SUFFIXES.get(metric.kind, ("",)):
            bounds: Labels = {"le": None} if suffix == "_bucket" else {}
            found[metric.full_name + suffix] = {**labels, **bounds, **TARGET}
    return found


def parsed(query: str) -> promql.Expr:
    """The query as a tree; raises `QueryError` where it is none."""
    try:
        return promql.parse(query)
    except ValueError as error:
        raise QueryError(f"not PromQL: {error}") from error


def labels_of(query: str, known: Known) -> frozenset[str]:
    """The labels of the query's answer; raises `QueryError` where it names what is not there."""
    return _labels(parsed(query), known) or frozenset()


def selectors(query: str) -> Iterator[tuple[promql.VectorSelector, tuple[promql.Expr, ...]]]:
    """Every selector of series, and what it stands in, the nearest last."""
    yield from _selectors(parsed(query), ())


def names_of(selector: promql.VectorSelector) -> tuple[str, ...]:
    """The metrics that a selector may find."""
    if selector.name:
        return (selector.name,)
    named = [matcher.value for matcher in selector.matchers.matchers if matcher.name == "__name__"]
    return tuple(named[0].split("|")) if named else ()


def _selectors(
    expr: promql.Expr, parents: tuple[promql.Expr, ...]
) -> Iterator[tuple[promql.VectorSelector, tuple[promql.Expr, ...]]]:
    if isinstance(expr, promql.VectorSelector):
        yield expr, parents
    inner = (*parents, expr)
    for name in ("vector_selector", "expr", "param", "lhs", "rhs"):
        if isinstance(child := getattr(expr, name, None), promql.Expr):
            yield from _selectors(child, inner)
    for child in getattr(expr, "args", ()):
        yield from _selectors(child, inner)


def _labels(expr: promql.Expr, known: Known) -> frozenset[str] | None:
    """None for a scalar."""
    if isinstance(expr, (promql.ParenExpr, promql.UnaryExpr, promql.SubqueryExpr)):
        return _labels(expr.expr, known)
    if isinstance(expr, promql.MatrixSelector):
        return _of_selector(expr.vector_selector, known)
    read = _READERS.get(type(expr))
    return read(expr, known) if read else None


def _of_selector(selector: promql.VectorSelector, known: Known) -> frozenset[str]:
    names = names_of(selector)
    if unknown := [name for name in names if name not in known] or not names:
        raise QueryError(f"no such metric: {unknown} in {selector.prettify()}")
    for matcher in selector.matchers.matchers:
        for name in names if matcher.name != "__name__" else ():
            _check_matcher(matcher, name, known[name])
    return frozenset.intersection(*(frozenset(known[name]) for name in names))


def _check_matcher(matcher: promql.Matcher, name: str, labels: Labels) -> None:
    if matcher.name not in labels:
        raise QueryError(f"{name} has no label {matcher.name}, but {sorted(labels)}")
    allowed = labels[matcher.name]
    alternatives = matcher.value.split("|") if re.fullmatch(r"[\w |]*", matcher.value) else []
    if allowed is not None and (wrong := set(alternatives) - allowed):
        raise QueryError(f"{name}: {matcher.name} is never {sorted(wrong)}, but one of {sorted(allowed)}")


def _of_aggregate(expr: promql.AggregateExpr, known: Known) -> frozenset[str]:
    inner = _labels(expr.expr, known)
    if inner is None:
        raise QueryError(f"{expr.op} of a scalar")
    by = frozenset(expr.modifier.labels) if expr.modifier else frozenset()
    _check_there(by, inner, str(expr.op))
    if str(expr.op) in _KEEP_SERIES:
        return inner
    without = expr.modifier is not None and expr.modifier.type == promql.AggModifierType.Without
    return inner - by if without else by


def _of_call(expr: promql.Call, known: Known) -> frozenset[str] | None:
    found = [labels for argument in expr.args if (labels := _labels(argument, known)) is not None]
    name = expr.func.name
    if name == "absent":
        return frozenset()
    if name == "histogram_quantile":
        _check_there(frozenset({"le"}), found[0], name)
        return found[0] - {"le"}
    return found[0] if found else None


def _of_binary(expr: promql.BinaryExpr, known: Known) -> frozenset[str] | None:
    left, right = _labels(expr.lhs, known), _labels(expr.rhs, known)
    if left is None or right is None:
        return right if left is None else left
    modifier, operator = expr.modifier, str(expr.op)
    matching = modifier.matching if modifier else None
    if operator == "or":
        return left | right
    if matching is None:
        return _one_to_one(left, right, operator)
    named = frozenset(matching.labels)
    ignored = matching.type == promql.LabelModifierType.Exclude
    on = (left & right) - named if ignored else named
    _check_there(on, left, f"{operator}, on its left")
    _check_there(on, right, f"{operator}, on its right")
    if operator in _SET_OPERATORS:
        return left
    return _matched(modifier, on, left, right, operator)


def _matched(
    modifier: promql.BinModifier, on: frozenset[str], left: frozenset[str], right: frozenset[str], operator: str
) -> frozenset[str]:
    brought = frozenset(modifier.group_labels or ())
    match modifier.card:
        case promql.VectorMatchCardinality.ManyToOne:
            one, many = right, left
        case promql.VectorMatchCardinality.OneToMany:
            one, many = left, right
        case _:
            return _one_to_one(on | left, on | right, operator) & on
    _check_there(brought, one, "group modifier")
    if one - on - brought:
        raise QueryError(f"{operator}: several series of the one side match, they also differ by {sorted(one - on)}")
    return many | brought


def _one_to_one(left: frozenset[str], right: frozenset[str], operator: str) -> frozenset[str]:
    if left != right:
        raise QueryError(f"{operator}: no series match, labels are {sorted(left)} and {sorted(right)}")
    return left


def _check_there(wanted: frozenset[str], there: frozenset[str], where: str) -> None:
    if missing := wanted - there:
        raise QueryError(f"{where}: no label {sorted(missing)} among {sorted(there)}")


def _frozen(found: Iterable[str] | None) -> frozenset[str] | None:
    return None if found is None else frozenset(map(str, found))


_READERS: dict[type, Callable[[Any, Known], frozenset[str] | None]] = {
    promql.VectorSelector: _of_selector,
    promql.AggregateExpr: _of_aggregate,
    promql.Call: _of_call,
    promql.BinaryExpr: _of_binary,
}
