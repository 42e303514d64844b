"""`--memory`: what a render takes is reckoned before it begins; too little is refused with what is enough."""

from __future__ import annotations

from fractions import Fraction

import pytest

import nakawari as nk
from nakawari.errors import InputError
from nakawari.pipeline.beside import beside_drawing
from nakawari.video.encoders import ENCODERS, EncodeOptions, pictures_held
from nakawari.video.open import open_reader, open_writer
from tests.video.media import pictures, write_video


@pytest.mark.parametrize("model", ["classic", "blend", "cel", "fast", "best"])
def test_too_little_is_refused_before_the_clip_is_looked_at_and_the_least_is_enough(model, tmp_path):
    source = write_video(tmp_path / "in.mkv", pictures(4, 64, 48))
    stages = []

    def smooth(memory):
        return nk.smooth(
            source,
            tmp_path / "out.mkv",
            factor=2,
            model=model,
            options={"memory": memory},
            progress=lambda stage, done, total: stages.append(stage),
        )

    with pytest.raises(InputError, match=rf"{model} takes \d+ MiB at least for 64x48: .* to draw\.") as found:
        smooth("20M")
    assert stages == []
    assert [path.name for path in tmp_path.iterdir()] == ["in.mkv"]
    least = int(str(found.value).split(" MiB at least")[0].rpartition(" ")[2])
    assert smooth(least + 64).work.drawn == 3


def test_what_is_read_and_written_grows_with_the_picture_and_what_the_encoder_holds(tmp_path):
    def taken(size, **words):
        info = open_reader(write_video(tmp_path / "in.mkv", pictures(1, *size))).info
        writer = open_writer(
            tmp_path / words.pop("name", "out.mkv"), info, Fraction(24), EncodeOptions.of(words)
        )
        writer.abort()
        return beside_drawing(info, writer, None)

    small = taken((64, 48))
    assert taken((128, 96)) > small + 3 * (small - taken((64, 48), name="out.y4m"))
    ordered = [taken((64, 48), name="out.y4m"), taken((64, 48), codec="ffv1"), small]
    assert ordered == sorted(ordered)
    assert taken((64, 48), preset="ultrafast") < small < taken((64, 48), preset="veryslow")


def test_every_encoder_holds_something_and_no_more_for_a_short_clip():
    for codec in (*ENCODERS, "nobody_knows"):
        assert 0 < pictures_held(codec, None, 1) <= pictures_held(codec)
    assert pictures_held("libx264", "placebo") > pictures_held("libx264", "medium") > pictures_held("ffv1")
