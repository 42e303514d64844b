"""What all addresses share: projects, jobs, the pictures that were made, and who listens."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from nakawari.errors import InputError, OutputError
from nakawari.models import find, list_models
from nakawari.pipeline.casting import with_guides
from nakawari.studio import views
from nakawari.studio.cache import Cache
from nakawari.studio.crew import Crew, Job
from nakawari.studio.guides import Guide
from nakawari.studio.how import KINDS
from nakawari.studio.opening import Opening
from nakawari.studio.project import Project
from nakawari.studio.roots import Roots
from nakawari.studio.store import Store

if TYPE_CHECKING:
    from nakawari.timeline.plan import Plan

UPLOAD_LIMIT = 4 << 30
"""Bytes of one drop."""
THUMB_PX = 96
Heard = asyncio.Queue[dict[str, Any] | None]


class Studio:
    """One running studio."""

    def __init__(
        self, roots: Roots, store: Store, *, upload_limit: int = UPLOAD_LIMIT, first: str = ""
    ) -> None:
        """Open the studio.

        Args:
            roots: what may be read and written; the folder of `store` should be among it.
            store: the projects.
            upload_limit: bytes of one drop.
            first: what the page opens at once.
        """
        self.roots = roots
        self.store = store
        self.upload_limit = upload_limit
        self.first = first
        self.crew = Crew(self._tell)
        self.opening = Opening(roots, store, self.crew)
        self._folder = Path(tempfile.mkdtemp(prefix="nakawari-studio-"))
        self.cache = Cache(self._folder)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listeners: set[Heard] = set()

    def close(self) -> None:
        """End the workers and forget the pictures."""
        self.crew.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    # -- events ----------------------------------------------------------------------------------

    @contextmanager
    def listen(self) -> Iterator[Heard]:
        """Hear all changes while inside; None is the last."""
        self._loop = asyncio.get_running_loop()
        queue: Heard = asyncio.Queue()
        self._listeners.add(queue)
        try:
            yield queue
        finally:
            self._listeners.discard(queue)

    def hush(self) -> None:
        """Let all listeners go."""
        for queue in self._listeners:
            queue.put_nowait(None)

    def _tell(self, event: dict[str, Any]) -> None:
        """Called from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._spread, event)

    def _spread(self, event: dict[str, Any]) -> None:
        for queue in self._listeners:
            queue.put_nowait(event)

    # -- pictures --------------------------------------------------------------------------------

    def models(self) -> list[dict[str, Any]]:
        """The models that can draw here, and what each is."""
        from nakawari.models.sources import held_weights

        return [
            {
                "name": row.name,
                "summary": row.summary,
                "hints": row.hints,
                "here": row.weights != "file" or held_weights(row.name) is not None,
            }
            for row in list_models()
        ]

    def frame(self, project: Project, number: int, *, thumb: bool) -> tuple[Path, Job | None]:
        """The picture of a frame, and the job that makes it where it is not there."""
        home = self.store.place(project.id)
        if thumb and (home / "thumbs" / f"{number}.jpg").exists():
            return home / "thumbs" / f"{number}.jpg", None
        name = f"thumb-{number}.jpg" if thumb else f"frame-{number}.png"
        output = self.cache.place(project.id, name)
        if self.cache.has(output):
            return output, None
        words = {
            "home": str(home), "number": number, "height": THUMB_PX if thumb else None, "output": str(output),
        }  # fmt: skip
        about = {"project": project.id, "title": f"Frame {number}", "picture": name}
        return output, self.crew.ask("frame", "frame", words, key=str(output), about=about, idle=thumb)

    def between(
        self, project: Project, target: int, t: Fraction, *, model: str | None = None, ahead: bool = False
    ) -> tuple[Path, Job | None]:
        """The picture at t on the way to `target`, and the job that draws it where it is not there.

        The job draws the other pictures of the pair's chart as well. `ahead`: nobody waits for it yet.

        Raises:
            InputError: no drawing begins at `target`, or nothing moves towards it.
        """
        asked = self._asked(project, target, model)
        source = asked["source"]
        slots = project.pair_slots(target)
        key = views.digest(asked)
        ticks = {slot.t for slot in slots if slot.t is not None}
        output = self._drawn(project, key, t)
        if self.cache.has(output):
            return output, None
        others = sorted(tick for tick in ticks - {t} if t in ticks)
        missing = [one for one in [t, *others] if not self._drawn(project, key, one).exists()]
        wanted = [(str(one), str(self._drawn(project, key, one))) for one in missing]
        about = {
            "project": project.id, "target": target, "key": key, "model": asked["model"],
            "title": f"Drawing {source} → {target} with {asked['model']}",
        }  # fmt: skip
        words = {"home": str(self.store.place(project.id)), "ask": asked, "wanted": wanted}
        name = f"draw {project.id} {key} {'' if t in ticks else t}"
        if not ahead:
            self.crew.drop_others(project.id, "draw", keep=name)
        return output, self.crew.ask("draw", "draw", words, key=name, about=about, idle=ahead)

    def how(self, project: Project, target: int, kind: str, side: int) -> tuple[Path, Job | None]:
        """How the pair that leads to `target` was made: what is laid over key `side` (0 or 1).

        Raises:
            InputError: there is no such kind, or no such pair.
        """
        if kind not in KINDS or side not in (0, 1):
            raise InputError(f"there is no {kind!r} of key {side}; wanted {', '.join(KINDS)} of 0 or 1.")
        asked = self._asked(project, target)
        outputs = [self.cache.place(project.id, f"{views.digest(asked)}/{kind}-{key}.png") for key in (0, 1)]
        if self.cache.has(outputs[side]):
            return outputs[side], None
        about = {"project": project.id, "target": target, "title": f"Looking into {asked['model']}"}
        words = {
            "home": str(self.store.place(project.id)),
            "ask": asked,
            "kind": kind,
            "outputs": [str(output) for output in outputs],
        }
        return outputs[side], self.crew.ask("draw", "how", words, key=f"how {outputs[0]}", about=about)

    def check(self, project: Project, target: int) -> tuple[Path, Job | None]:
        """What is wrong with the in-betweens on the way to `target`, and the job that finds out.

        Raises:
            InputError: no such pair.
        """
        asked = self._asked(project, target)
        times = [str(slot.t) for slot in project.pair_slots(target)]
        output = self.cache.place(project.id, f"{views.digest(asked | {'times': times})}.check.json")
        if self.cache.has(output):
            return output, None
        words = {
            "home": str(self.store.place(project.id)), "ask": asked, "times": times, "output": str(output),
        }  # fmt: skip
        about = {"project": project.id, "target": target, "title": "Checking lines and colours"}
        return output, self.crew.ask("draw", "check", words, key=f"check {output}", about=about)

    def guide(self, project: Project, target: int, t: Fraction, upload: Path, *, whole: bool) -> Job:
        """Let a picture be kept for the rough of a pair; the job's result names it, for the edit `guide`.

        Args:
            project: whose it is.
            target: the drawing that the pair leads to.
            t: the time of the rough.
            upload: the picture's file.
            whole: refuse what the pair cannot be drawn with, such as a drawing of other things.

        Raises:
            InputError: no such pair, or its model takes no hints.
        """
        asked = self._asked(project, target) | {"guide": Guide("0" * 32, t).to_json()}
        if not find(asked["model"]).hints:
            raise InputError(f"{asked['model']} follows no rough; choose a model that does, such as cel.")
        home = str(self.store.place(project.id))
        words = {"home": home, "ask": asked, "upload": str(upload), "whole": whole}
        about = {"project": project.id, "target": target, "title": "Reading the rough"}
        lane: Literal["draw", "frame"] = "draw" if whole else "frame"
        return self.crew.ask(lane, "guide", words, key=f"guide {upload}", about=about)

    def plan(self, project: Project) -> Plan:
        """The plan of a project, with its roughs in it.

        Raises:
            InputError: one of them is gone.
        """
        return with_guides(project.plan(), self.store.guides(project.id))

    def _asked(self, project: Project, target: int, model: str | None = None) -> dict[str, Any]:
        """What decides how a pair is drawn.

        Raises:
            InputError: nothing moves towards `target`.
        """
        source = project.source_of(target)
        if source is None:
            raise InputError(f"nothing moves towards frame {target}: a cut is before it.")
        slots = project.pair_slots(target)
        name = None if model is None else find(model).name
        return views.ask(project, target, slots[0].source if slots else source, name)

    def _drawn(self, project: Project, key: str, t: Fraction) -> Path:
        return self.cache.place(project.id, f"{key}/{t.numerator}-{t.denominator}.png")

    # -- renders ---------------------------------------------------------------------------------

    def render(self, project: Project, words: dict[str, Any]) -> Job:
        """Let the whole clip be written.

        Args:
            project: what to render.
            words: output (a path), overwrite, encode (codec, crf, …), model (instead of the project's own).

        Raises:
            InputError: the output is outside of what was opened. OutputError: its folder is missing.
        """
        output = self.roots.inside(str(words.get("output", "")))
        if not output.parent.is_dir():
            raise OutputError(f"the folder {output.parent} does not exist. Create it first.")
        wrong = self.opening.check(project)
        if wrong:
            raise InputError(wrong)
        encode = words.get("encode", {})
        if not isinstance(encode, dict):
            raise InputError("encode is not a JSON object.")
        rate = project.source.input_rate
        given = {
            "source": project.source.path,
            "input_rate": None if rate is None else str(rate),
            "plan": self.plan(project).to_json(),
            "home": str(self.store.place(project.id)),
            "guided": [
                self._asked(project, target)
                for target in sorted(project.guides)
                if find(project.model_of(target)).hints and project.pair_slots(target)
            ],
            "default": project.settings.model,
            "output": str(output),
            "encode": encode,
            "overwrite": words.get("overwrite") is True,
        }
        about = {"project": project.id, "title": f"Rendering {output.name}", "output": str(output)}
        return self.crew.ask("whole", "render", given, key=f"render {output}", about=about)
