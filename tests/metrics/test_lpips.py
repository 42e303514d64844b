"""LPIPS on frames: files in, a number out, and one clear line when a file is not what it should be."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from nakawari.errors import ModelError, ShapeError
from nakawari.metrics.lpips import LpipsMetric
from tests.nn.test_lpips import made_up


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("lpips")
    _, state, heads = made_up("alex")
    torch.save(state, folder / "alexnet.pth")
    save_file(heads, folder / "heads.safetensors")
    return folder / "alexnet.pth", folder / "heads.safetensors"


def test_frames(files: tuple[Path, Path]) -> None:
    metric = LpipsMetric(*files)
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 256, (2, 31, 48, 3), dtype=np.uint8)
    assert metric.backbone == "alex"
    assert metric(one, one) == 0
    assert metric(one, other) > 0
    assert metric(one, other) == pytest.approx(metric(other, one))
    assert metric(one / 255.0, other / 255.0) == pytest.approx(metric(one, other), rel=1e-5)
    with pytest.raises(ShapeError, match="at least 31"):
        metric(one[:30], other[:30])


def test_wrong_files(files: tuple[Path, Path], tmp_path: Path) -> None:
    broken = tmp_path / "broken.pth"
    broken.write_bytes(b"not weights")
    text = tmp_path / "script.pth"
    text.write_bytes(b"export PATH=/bin:$PATH\n")  # begins as a pickle that ends too early
    broken_too = tmp_path / "broken.safetensors"
    broken_too.write_bytes(b"not weights")
    whole = tmp_path / "list.pth"
    torch.save([torch.zeros(1)], whole)
    with pytest.raises(ModelError, match="do not exist"):
        LpipsMetric(tmp_path / "none.pth", files[1])
    for file in (broken, broken_too, text):
        with pytest.raises(ModelError, match=r"cannot be read|no PyTorch file"):
            LpipsMetric(file, files[1])
    with pytest.raises(ModelError, match="holds a list"):
        LpipsMetric(whole, files[1])
    with pytest.raises(ModelError, match="lacks 'features"):
        LpipsMetric(files[1], files[1])
