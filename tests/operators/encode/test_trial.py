"""The choice between number formats follows what was measured, and the log says it."""

import logging

import pytest
import torch

from operators.encode import trial


@pytest.mark.parametrize(("seconds", "faster"), [(0.2, True), (0.6, True), (0.7, False), (2.0, False)])
def test_trial_chooses_bfloat16_where_it_wins_by_half_and_says_so(monkeypatch, caplog, seconds, faster):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(trial, "_seconds", lambda precision: 1.0 if precision is torch.float32 else seconds)
    assert trial.bfloat16_is_faster() is faster
    assert f"{1 / seconds:.1f} times as fast" in caplog.text
    assert caplog.text.rstrip().endswith("bfloat16" if faster else "float32")


def test_trial_outvotes_single_disturbed_rounds(monkeypatch):
    disturbed = iter([9.0, 0.2, 0.2, 9.0, 0.2])
    monkeypatch.setattr(trial, "_seconds", lambda precision: 1.0 if precision is torch.float32 else next(disturbed))
    assert trial.bfloat16_is_faster()
