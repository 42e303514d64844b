"""Kill a resumed render at random moments, and compare its file with that of a render left alone.

    python benchmarks/resume.py [--kills 50] [--seed 0] [--json OUT.json]

Every run is killed (SIGKILL) after a random time up to what a whole render takes; when one comes to its end
before, its file is compared and the next run begins anew. The codec is lossless (ffv1), with sound.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from nakawari.pipeline.demo_clip import picture


def film(path: Path, frames: int) -> Path:
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=Fraction(24), options={"preset": "ultrafast"})
        voice = out.add_stream("flac", rate=48000, layout="mono")
        for number in range(frames):
            pixels = picture(number % 150)[::2, ::2]
            if number == 0:
                stream.height, stream.width = pixels.shape[:2]
                stream.pix_fmt = "yuv420p"
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 24)
            out.mux(stream.encode(frame.reformat(format="yuv420p")))
            tone = (np.sin(np.arange(2000) / 20 + number * 100) * 9000).astype(np.int16)[None]
            sound = av.AudioFrame.from_ndarray(tone, format="s16", layout="mono")
            sound.sample_rate, sound.pts, sound.time_base = 48000, number * 2000, Fraction(1, 48000)
            out.mux(voice.encode(sound))
        out.mux(stream.encode(None))
        out.mux(voice.encode(None))
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--frames", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="classic")
    parser.add_argument("--longest", type=float, help="seconds after which a run is killed at the latest")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source, out = film(folder / "in.mkv", arguments.frames), folder / "out.mkv"
        smooth = [
            sys.executable,
            "-m",
            "nakawari",
            "smooth",
            str(source),
            "--fps",
            "60",
            "-c:v",
            "ffv1",
            "-q",
        ]
        smooth += ["-m", arguments.model]
        begin = time.perf_counter()
        subprocess.run([*smooth, "-o", str(folder / "whole.mkv")], check=True)
        alone_s = time.perf_counter() - begin
        whole = (folder / "whole.mkv").read_bytes()
        kills = ends = different = 0
        most = 0
        while kills < arguments.kills or out.with_name("out.mkv.resume").exists():
            last = kills >= arguments.kills
            with subprocess.Popen([*smooth, "-o", str(out), "--resume"]) as process:
                try:
                    status = process.wait(None if last else rng.uniform(0, arguments.longest or alone_s))
                except subprocess.TimeoutExpired:
                    process.kill()
                    kills += 1
                    most = max(most, len(list(folder.glob("out.mkv.resume/*.packets"))))
                    print(f"kill {kills}: {most} pieces at most", file=sys.stderr, flush=True)
                    if not out.exists():
                        continue
                    status = 0  # it came to its end in that very moment, perhaps with the pieces still there
                    shutil.rmtree(out.with_name("out.mkv.resume"), ignore_errors=True)
            if status:
                sys.exit(f"a run failed with status {status} after {kills} kills")
            ends += 1
            different += out.read_bytes() != whole
            left = [p.name for p in folder.iterdir() if p.name not in ("in.mkv", "whole.mkv", "out.mkv")]
            if left:
                sys.exit(f"left over: {left}")
            out.unlink()
        row = {"kills": kills, "renders": ends, "different": different, "pieces_at_most": most,
               "bytes": len(whole), "alone_s": round(alone_s, 1)}  # fmt: skip
    print(json.dumps(row))
    if arguments.json:
        arguments.json.write_text(json.dumps(row, indent=1) + "\n")
    sys.exit(different > 0)


if __name__ == "__main__":
    main()
