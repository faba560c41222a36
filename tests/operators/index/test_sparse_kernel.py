"""Bounds skip what cannot be among the best, and nothing else: to the last bit the answer is that of a plain sum."""

import numpy as np
import pytest

from operators.index.sparse_kernel import BLOCK, search_terms

TERMS = 12


class Lists:
    """Postings of some blocks of rows; the first terms are rare and heavy in the query, the last common and light."""

    def __init__(self, rows: int, seed: int) -> None:
        self.rows, rng = rows, np.random.default_rng(seed)
        shares = np.geomspace(0.001, 0.6, TERMS)
        docs = [np.flatnonzero(rng.random(rows) < share).astype(np.uint32) for share in shares]
        self.ends = np.cumsum([len(each) for each in docs]).astype(np.int64)
        self.begins = self.ends - [len(each) for each in docs]
        self.docs = np.concatenate(docs)
        # A few distinct weights, so that scores are often equal.
        self.weights = rng.choice([0.25, 0.5, 1.0, 3.0], len(self.docs)).astype(np.float16)
        self.values = np.geomspace(4, 0.05, TERMS).astype(np.float32)
        self.most = self.values * np.float32(3.0)

    def search(self, k: int, most: np.ndarray, dead: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        scores, rows = np.full(k, -np.inf, np.float32), np.full(k, -1, np.int64)
        bits = self.weights.view(np.uint16)
        search_terms(self.begins, self.ends, self.docs, bits, self.values, most, dead, self.rows, scores, rows)
        order = np.lexsort((rows, -scores))
        return scores[order], rows[order]

    def expected(self, k: int, dead: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        totals = np.zeros(self.rows, np.float32)
        for begin, end, value in zip(self.begins, self.ends, self.values, strict=True):
            totals[self.docs[begin:end]] += value * self.weights[begin:end].astype(np.float32)
        totals[dead] = 0
        order = np.lexsort((np.arange(self.rows), -totals))[:k]
        return totals[order], order


@pytest.mark.parametrize("rows", [BLOCK - 1, BLOCK, 3 * BLOCK + 5])
@pytest.mark.parametrize("k", [1, 10, 1000])
@pytest.mark.parametrize("share", [0.0, 0.3])
def test_search_terms_with_bounds_equals_a_plain_sum(rows: int, k: int, share: float) -> None:
    lists = Lists(rows, seed=k)
    dead = np.flatnonzero(np.random.default_rng(1).random(rows) < share)
    for found, expected in zip(lists.search(k, lists.most, dead), lists.expected(k, dead), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("k", [1, 100])
def test_search_terms_with_negative_weights_equals_a_plain_sum(k: int) -> None:
    """What comes last lowers scores, and adds nothing at most."""
    lists, nothing = Lists(3 * BLOCK + 5, seed=k), np.zeros(0, np.int64)
    lists.values[-3:] *= -1
    lists.most[-3:] = 0
    for found, expected in zip(lists.search(k, lists.most, nothing), lists.expected(k, nothing), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_search_terms_keeps_rows_that_are_lifted_by_rounding_alone() -> None:
    """Ten rows at the end have forty equal terms, whose float32 sum is above the ten best before and whose exact is not."""
    rows, early, late = 2 * BLOCK, np.arange(10), 2 * BLOCK - 20 + 2 * np.arange(10)
    value = np.float32(0.7)
    total = np.cumsum(np.full(40, value), dtype=np.float32)[-1]
    before = np.nextafter(total, np.float32(0))
    assert 40 * float(value) < before
    others = np.arange(11, rows, 2)  # each with one of the terms: enough postings for looking up to pay
    lists = [early, *(np.union1d(late, others[term::40]) for term in range(40))]
    docs = np.concatenate(lists).astype(np.uint32)
    ends = np.cumsum([len(each) for each in lists])
    begins = np.append(0, ends[:-1])
    values = np.array([before, *[value] * 40], np.float32)
    scores, found = np.full(10, -np.inf, np.float32), np.full(10, -1, np.int64)
    weights, nothing = np.ones(docs.size, np.float16), np.zeros(0, np.int64)
    most = values
    search_terms(begins, ends, docs, weights.view(np.uint16), values, most, nothing, rows, scores, found)
    assert sorted(found.tolist()) == late.tolist()
    assert scores.tolist() == [total] * 10


def test_search_terms_uses_its_bounds() -> None:
    """Bounds that are too low lose rows: were they not looked at, every test here would pass."""
    lists, nothing = Lists(3 * BLOCK, seed=0), np.zeros(0, np.int64)
    right, wrong = (lists.search(100, most, nothing)[1] for most in (lists.most, lists.most * np.float32(0.01)))
    assert right.tolist() != wrong.tolist()


def test_search_terms_keeps_rows_whose_bound_only_just_reaches() -> None:
    """Ten rows at the end have the next larger score than the ten at the beginning, by the last and lightest term."""
    rows, best, late = 2 * BLOCK, np.arange(10), 2 * BLOCK - 40 + 2 * np.arange(20)
    others = np.arange(11, rows, 2)  # in which a term has so many postings that looking the few rows up pays
    lists = [
        (np.concatenate([best, late]), [1.0] * 10 + [0.75] * 20),
        (np.union1d(late, others), 0.25),
        (np.union1d(late[::2], others), 1.0),
    ]
    docs = np.concatenate([each for each, _ in lists]).astype(np.uint32)
    weights = np.concatenate([np.full(len(each), weight) for each, weight in lists]).astype(np.float16)
    ends = np.cumsum([len(each) for each, _ in lists])
    begins = np.append(0, ends[:-1])
    values, most = (np.array(each, np.float32) for each in ([1, 1, 2**-23], [1, 0.25, 2**-23]))
    scores, found = np.full(10, -np.inf, np.float32), np.full(10, -1, np.int64)
    nothing = np.zeros(0, np.int64)
    search_terms(begins, ends, docs, weights.view(np.uint16), values, most, nothing, rows, scores, found)
    assert sorted(found.tolist()) == late[::2].tolist()
    assert scores.tolist() == [1 + 2**-23] * 10
