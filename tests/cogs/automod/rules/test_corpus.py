"""Every evasion hits and every innocent message passes, each by its name."""

from __future__ import annotations

import pytest

from cogs.automod.rules.engine import Engine
from cogs.automod.rules.windows import Windows
from cogs.automod.settings import AutomodSettings
from tests.cogs.automod.rules.corpora import STRICT, Sample, load

EVASIONS, INNOCENT = load("evasions"), load("innocent")


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine.compile(AutomodSettings.read(STRICT))


@pytest.mark.parametrize("sample", EVASIONS, ids=lambda one: one.name)
def test_evasion_hits(engine: Engine, sample: Sample) -> None:
    judgement = engine.judge(sample.message, sample.context, Windows())

    assert judgement is not None
    assert judgement.hits
    assert judgement.delete


@pytest.mark.parametrize("sample", INNOCENT, ids=lambda one: one.name)
def test_innocent_message_passes(engine: Engine, sample: Sample) -> None:
    assert engine.judge(sample.message, sample.context, Windows()) is None


@pytest.mark.parametrize("sample", EVASIONS, ids=lambda one: one.name)
def test_evasion_is_explained_as_it_is_judged(engine: Engine, sample: Sample) -> None:
    judgement = engine.judge(sample.message, sample.context, Windows())
    traces = engine.explain(sample.message, sample.context)

    assert judgement is not None
    assert {trace.rule for trace in traces if trace.holds} == set(judgement.rules)


def test_corpora_are_large_and_their_names_tell_samples_apart() -> None:
    for corpus in (EVASIONS, INNOCENT):
        assert len(corpus) >= 200
        assert len({one.name for one in corpus}) == len(corpus)
        assert len({(one.source, one.text) for one in corpus}) == len(corpus)
