"""`doctor` holds what it tries against what it should have got."""

import numpy as np
import pytest

from nakawari.cli import main


def test_what_works_is_said_to(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    heard = capsys.readouterr().out
    for name in ("classic", "fast", "blend", "video"):
        assert f"{name:<12} works:" in heard


@pytest.mark.parametrize(
    "wrong",
    [
        lambda frame0, frame1: frame0,
        lambda frame0, frame1: np.roll(frame0, 5, axis=1),
        lambda frame0, frame1: ((frame0.astype(int) + frame1) // 2).astype(np.uint8),
    ],
)
def test_a_model_that_draws_nonsense_fails(wrong, monkeypatch, capsys) -> None:
    class Broken:
        device = "cpu"

        def __call__(self, frame0, frame1, t):
            return wrong(frame0, frame1)

    monkeypatch.setattr("nakawari.models.load", lambda name: Broken())
    monkeypatch.setattr("nakawari.cli.doctor._video", lambda: "not looked at")
    assert main(["doctor"]) == 1
    heard = capsys.readouterr().out
    assert "classic      FAILS: the square it drew is" in heard


def test_a_video_that_comes_back_changed_fails(monkeypatch, capsys) -> None:
    from nakawari.video.writer import VideoWriter

    copy = VideoWriter.copy
    held = []

    def late(self, frame, pts):
        copy(self, held[-1] if held else frame, pts)
        held.append(frame)

    monkeypatch.setattr(VideoWriter, "copy", late)
    monkeypatch.setattr("nakawari.models.list_models", list)
    assert main(["doctor"]) == 1
    assert "video        FAILS:" in capsys.readouterr().out
