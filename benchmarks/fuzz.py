"""A thousand hostile files: every run has to end soon, in one line if it fails, and leave nothing over.

    python benchmarks/fuzz.py [--cases 1000] [--seed 0] [--jobs 2] [--keep DIR] [--only N]

Small files of many kinds are made, and then broken: flipped bits, cuts, sizes that lie, parts left out or
doubled, two sizes in one stream, frames without times, no frame, one frame, pictures that claim to be huge,
playlists that point elsewhere, names that look like flags or addresses. Each is given to `nakawari smooth`
in a process of its own, bounded in time and memory. What is checked of each run: exit status 0 or 1, no
traceback, no unforeseen error, at most one line of error, the output there exactly when it is 0, nothing else
written, no hang, little memory.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import re
import resource
import shutil
import signal
import struct
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from multiprocessing.pool import ThreadPool
from pathlib import Path

import av
import cv2
import numpy as np

LONGEST_S = 60
LARGEST_MIB = 1500
VIDEOS = {
    "mp4": ("libx264", "yuv420p", "aac"),
    "mkv": ("libx264", "yuv420p10le", "flac"),
    "webm": ("libvpx-vp9", "yuv420p", "libopus"),
    "mov": ("prores_ks", "yuv422p10le", "pcm_s16le"),
    "avi": ("mpeg4", "yuv420p", "libmp3lame"),
    "ts": ("mpeg2video", "yuv420p", None),
    "h264": ("libx264", "yuv420p", None),
    "gif": ("gif", "rgb8", None),
    "apng": ("apng", "rgba", None),
    "flv": ("flv", "yuv420p", None),
    "nut": ("ffv1", "yuv444p", None),
}


def pictures(count: int, width: int = 64, height: int = 48) -> list[np.ndarray]:
    made = []
    for n in range(count):
        picture = np.full((height, width, 3), (200, 210, 190), np.uint8)
        cv2.circle(picture, (8 + 4 * n % width, height // 2), 7, (40, 60, 180), -1)
        made.append(picture)
    return made


def video(path: Path, kind: str, count: int = 10, width: int = 64) -> Path:
    codec, pix_fmt, sound = VIDEOS[kind]
    with av.open(str(path), "w", format={"ts": "mpegts", "mkv": "matroska"}.get(kind, kind)) as out:
        options = {"preset": "ultrafast"} if codec == "libx264" else {}
        if codec == "libvpx-vp9":
            options = {"deadline": "realtime", "cpu-used": "8"}
        stream = out.add_stream(codec, rate=Fraction(24), options=options)
        stream.width, stream.height, stream.pix_fmt = width, 48, pix_fmt
        voice = out.add_stream(sound, rate=48000, layout="mono") if sound else None
        for n, picture in enumerate(pictures(count, width)):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format=pix_fmt)
            frame.pts, frame.time_base = n, Fraction(1, 24)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        if voice:
            kind_of = voice.codec_context.format.name
            for at in range(0, count * 2000, 1000):
                wave = np.sin(np.arange(at, at + 1000) / 9)[None]
                data = wave.astype(np.float32) if "flt" in kind_of else (wave * 9999).astype(np.int16)
                if kind_of.startswith("s32"):
                    data = data.astype(np.int32) << 16
                part = av.AudioFrame.from_ndarray(data, format=kind_of, layout="mono")
                part.sample_rate, part.pts, part.time_base = 48000, at, Fraction(1, 48000)
                out.mux(voice.encode(part))
            out.mux(voice.encode(None))
    return path


def seeds(folder: Path) -> dict[str, bytes]:
    """A whole file of each kind."""
    made = {}
    for kind in VIDEOS:
        made[kind] = video(folder / f"seed.{kind}", kind).read_bytes()
    from PIL import Image

    images = [Image.fromarray(picture) for picture in pictures(6)]
    images[0].save(folder / "seed.webp", save_all=True, append_images=images[1:], duration=80)
    made["webp"] = (folder / "seed.webp").read_bytes()
    for kind in ("png", "jpg", "tiff", "bmp"):
        made[kind] = cv2.imencode(f".{kind}", pictures(1)[0])[1].tobytes()
    made["png16"] = cv2.imencode(".png", pictures(1)[0].astype(np.uint16) * 257)[1].tobytes()
    raw = b"".join(b"FRAME\n" + p[..., 0].tobytes() * 3 for p in pictures(6))
    made["y4m"] = b"YUV4MPEG2 W64 H48 F24:1 Ip A1:1 C444\n" + raw
    return made


# -- ways to break a file ------------------------------------------------------------------------


def flip(data: bytes, rng: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(rng.choice((1, 3, 20, 200))):
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def flip_head(data: bytes, rng: random.Random) -> bytes:
    head = min(len(data), 400)
    return flip(data[:head], rng) + data[head:]


def cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def lose(data: bytes, rng: random.Random) -> bytes:
    begin = rng.randrange(len(data))
    return data[:begin] + data[begin + rng.choice((1, 10, 1000)) :]


def double(data: bytes, rng: random.Random) -> bytes:
    begin = rng.randrange(len(data))
    end = begin + rng.choice((10, 1000, 100000))
    return data[:end] + data[begin:]


def lie(data: bytes, rng: random.Random) -> bytes:
    """Overwrite what may be a size with one that is wrong."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 2, 5))):
        at = rng.randrange(max(1, min(len(out) - 4, rng.choice((64, 1000, len(out))))))
        value = rng.choice((0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0x00FFFFFF, rng.getrandbits(32)))
        out[at : at + 4] = struct.pack(rng.choice(("<I", ">I")), value)
    return bytes(out)


def noise(data: bytes, rng: random.Random) -> bytes:
    begin = rng.randrange(len(data))
    return data[:begin] + rng.randbytes(rng.choice((16, 4096)))


BREAK: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    flip, flip, flip_head, flip_head, cut, cut, lose, double, lie, lie, noise,
)  # fmt: skip


def png_of(width: int, height: int) -> bytes:
    """A few bytes that say they are a picture of that size."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(10_000_000), 9))
        + chunk(b"IEND", b"")
    )


def special(number: int, folder: Path, whole: dict[str, bytes]) -> tuple[str, list[str]]:
    """The input of the case and more words for the command; hand-made hostility."""
    name, data, more = "in.mkv", b"", []
    match number % 24:
        case 0:
            name = "-in.mkv"
        case 1:
            name = "--no_such_flag.mkv"
        case 2:
            name = "a b\n'c\" $(touch owned) ;.mkv"
        case 3:
            name = "concat:in|out.mkv"
        case 4:
            name = "http:in%d.mkv"
        case 5:
            name, data = "in.png", png_of(60000, 60000)
        case 6:
            name, data = "in.png", png_of(10000, 100)
        case 7:
            name, data = "in.apng", png_of(50000, 50000)
        case 8:
            name, data = "in.y4m", b"YUV4MPEG2 W99999 H99999 F24:1 Ip C444\nFRAME\n"
        case 9:
            name, data = "in.gif", b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0x80, 0, 0) + bytes(6) + (
                b"," + struct.pack("<HHHHB", 0, 0, 65535, 65535, 0) + b"\x02\x02\x44\x01\x00;"
            )  # fmt: skip
        case 10:
            data = b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nsecret.mkv\n#EXT-X-ENDLIST\n"
        case 11:
            data = b"ffconcat version 1.0\nfile secret.mkv\n"
        case 12:
            name, data = (
                "in.h264",
                video(folder / "a", "h264").read_bytes() + video(folder / "b", "h264", width=96).read_bytes(),
            )
            (folder / "a").unlink()
            (folder / "b").unlink()
        case 13:
            data = video(folder / "a", "mkv", 1).read_bytes()
            (folder / "a").unlink()
        case 14:
            with av.open(str(folder / "a"), "w", format="matroska") as out:
                stream = out.add_stream("mpeg4", rate=24)
                stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
                out.start_encoding()
            data = (folder / "a").read_bytes()
            (folder / "a").unlink()
        case 15:
            name = "in"
            (folder / "in").mkdir()
            for n, size in enumerate(((64, 48), (64, 48), (32, 48))):
                cv2.imwrite(str(folder / "in" / f"{n}.png"), pictures(1, *size)[0])
        case 16:
            name = "in"
            (folder / "in").mkdir()
            for n in range(3):
                (folder / "in" / f"{n} -o.png").write_bytes(whole["png"])
            (folder / "in" / "9.png").write_bytes(whole["png"][:60])
        case 17:
            name = "in"
            (folder / "in").mkdir()
        case 18:
            name, data = "in.mkv", bytes(100_000)
        case 19:
            name, data = "in.txt", b"hello\n" * 400
        case 20:
            name, data = (
                "in.sdp",
                b"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n",
            )
        case 21:
            name, data, more = "in.mkv", whole["mkv"], ["--start", "0:00.2", "--end", "0:00.3"]
        case 22:
            name, data, more = "in.mp4", whole["mp4"], ["--fps", "100000000/1"]
        case _:
            name, data = "in.mov", whole["mov"][:-1]
    if name != "in":
        (folder / name).write_bytes(data or whole["mkv"])
    (folder / "secret.mkv").write_bytes(whole["mkv"])
    return name, more


def lay_case(number: int, seed: int, folder: Path, whole: dict[str, bytes]) -> tuple[str, list[str], str]:
    """Make the input of a case; gives its name, more words, and what was done to it."""
    rng = random.Random(seed * 1_000_003 + number)
    if number % 10 == 0:
        name, more = special(number // 10, folder, whole)
        return name, more, f"special {number // 10 % 24}"
    kind = rng.choice(sorted(whole))
    how = rng.choice(BREAK)
    suffix = kind.removesuffix("16")
    if suffix in ("png", "jpg", "tiff", "bmp"):
        (folder / "in").mkdir()
        for n in range(3):
            data = whole[kind] if n != 1 else how(whole[kind], rng)
            (folder / "in" / f"{n}.{suffix}").write_bytes(data)
        return "in", [], f"{kind} {how.__name__}"
    (folder / f"in.{suffix}").write_bytes(how(whole[kind], rng))
    return f"in.{suffix}", [], f"{kind} {how.__name__}"


# -- a run ---------------------------------------------------------------------------------------


def child(folder: Path, words: list[str], said: Path) -> None:
    """In a fork: run the command in `folder`, all that is said into a file, and leave with its status."""
    os.chdir(folder)
    heard = os.open(said, os.O_WRONLY | os.O_CREAT)
    os.dup2(heard, 1)
    os.dup2(heard, 2)
    sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), line_buffering=True)
    sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), line_buffering=True)
    status = 99
    with contextlib.suppress(BaseException):
        from nakawari.cli import main

        status = main(words)
    os._exit(status)


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def run_case(
    number: int, seed: int, whole: dict[str, bytes], keep: Path | None
) -> tuple[str, str | None, float]:
    """What was done, what was wrong (None: nothing) and MiB used."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    said = folder.with_name(folder.name + ".said")
    try:
        name, more, done = lay_case(number, seed, folder, whole)
        before = tree(folder)
        target = "out" if name in ("in", "in.png") else "out.mkv"
        words = ["smooth", "-o", target, "--factor", "2", "-m", "blend", "-q", *more, "--", name]
        if "--fps" in more:
            words = [w for w in words if w not in ("--factor", "2")]
        begin = time.monotonic()
        pid = os.fork()
        if pid == 0:
            child(folder, words, said)
        wrong, usage = wait(pid)
        done = f"{done} → {'done' if usage[0] == 0 else 'refused'}"
        if wrong is None:
            wrong = judge(folder, target, before, usage[0], said.read_text(errors="replace"))
        mib = usage[1] / 1024
        if wrong is None and mib > LARGEST_MIB:
            wrong = f"used {mib:.0f} MiB"
        if wrong is not None and keep is not None:
            shutil.copytree(folder, keep / f"{number}", dirs_exist_ok=True)
            wrong += f" ({time.monotonic() - begin:.1f} s)"
        return done, wrong, mib
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        said.unlink(missing_ok=True)


def wait(pid: int) -> tuple[str | None, tuple[int, int]]:
    """Wait for a child within bounds; what was wrong, and (status, KiB)."""
    end = time.monotonic() + LONGEST_S
    while True:
        got, status, usage = os.wait4(pid, os.WNOHANG)
        if got:
            if os.WIFSIGNALED(status):
                return f"killed by {signal.Signals(os.WTERMSIG(status)).name}", (0, usage.ru_maxrss)
            return None, (os.WEXITSTATUS(status), usage.ru_maxrss)
        if time.monotonic() > end:
            os.kill(pid, signal.SIGKILL)
            os.wait4(pid, 0)
            return "hangs", (0, 0)
        time.sleep(0.01)


def judge(folder: Path, target: str, before: dict[str, bytes], status: int, said: str) -> str | None:
    """What is wrong with how a run ended; None: nothing."""
    lines = [line for line in said.splitlines() if line.strip()]
    if "Traceback" in said or "unforeseen" in said:
        return f"says {lines[-1][:300]}"
    if status not in (0, 1):
        return f"status {status}: {said[-300:]}"
    errors = [line for line in lines if line.startswith("nakawari: ")]
    if len(errors) != status:
        return f"status {status} with {len(errors)} errors: {said[-300:]}"
    if status and lines[-1] != errors[0]:
        return f"the error is not the last line: {said[-300:]}"
    after = tree(folder)
    made = {name for name in after if name not in before}
    if any(after.get(name) != data for name, data in before.items()):
        return "changed a file that was there"
    allowed = {name for name in made if status == 0 and (name == target or name.startswith(f"{target}/"))}
    if made - allowed or (status == 0 and not allowed):
        return f"status {status} and left {sorted(made)[:3]}"
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", type=int, help="the number of one case")
    parser.add_argument("--keep", type=Path, help="keep inputs that were handled wrongly here")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    import torch  # noqa: F401

    import nakawari.pipeline.smooth
    import nakawari.video.conversion  # noqa: F401

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory() as name:
        whole = seeds(Path(name))
    numbers = [arguments.only] if arguments.only is not None else list(range(arguments.cases))
    begin, wrong, most = time.monotonic(), {}, 0.0
    kinds: Counter[str] = Counter()
    with ThreadPool(arguments.jobs) as pool:
        work = lambda n: (n, *run_case(n, arguments.seed, whole, arguments.keep))  # noqa: E731
        for number, done, found, mib in pool.imap(work, numbers):
            most = max(most, mib)
            kinds[re.sub(r" \d+", "", done)] += 1
            if found is not None:
                wrong[number] = f"{done}: {found}"
                print(f"case {number}: {wrong[number]}", flush=True)
    refused = sum(count for kind, count in kinds.items() if kind.endswith("refused"))
    row = {
        "cases": len(numbers),
        "refused": refused,
        "wrong": len(wrong),
        "seconds": round(time.monotonic() - begin, 1),
        "most_mib": round(most),
        "kinds": len(kinds),
    }
    print(json.dumps(row))
    if arguments.json:
        arguments.json.write_text(json.dumps({**row, "found": wrong}, indent=1) + "\n")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
