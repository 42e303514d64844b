"""Folders to evaluate, and to evaluate on."""

from pathlib import Path

import pytest

from tests.evaluation.scenes import write_means, write_triplets, write_truths


@pytest.fixture
def triplets(tmp_path: Path) -> Path:
    return write_triplets(tmp_path)


@pytest.fixture
def averages(tmp_path: Path) -> Path:
    return write_means(tmp_path)


@pytest.fixture
def truths(tmp_path: Path) -> Path:
    return write_truths(tmp_path)
