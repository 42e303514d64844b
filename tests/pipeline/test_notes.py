"""Notes belong to the run that they were made in, from whichever of its threads."""

import logging
from threading import Barrier, Thread

from nakawari.pipeline.notes import gathered
from nakawari.video.threads import prefetch

log = logging.getLogger("nakawari.video.something")


def test_each_run_has_its_own() -> None:
    both = Barrier(2)
    heard: dict[str, list[str]] = {}

    def reading(name: str):
        log.warning("%s begins", name)
        log.info("%s goes on", name)
        yield 1
        log.warning("%s begins", name)

    def work(name: str) -> None:
        with gathered() as notes:
            both.wait()
            list(prefetch(reading(name)))
            both.wait()
        heard[name] = notes

    threads = [Thread(target=work, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.warning("nobody's")
    assert heard == {"a": ["a begins"], "b": ["b begins"]}


def test_warnings_are_heard_as_before(capsys) -> None:
    """Who has set up no logging still sees them on standard error, once."""
    root = logging.getLogger()
    kept, root.handlers = root.handlers, []
    try:
        with gathered() as notes:
            log.warning("look out")
    finally:
        root.handlers = kept
    assert notes == ["look out"]
    assert capsys.readouterr().err == "look out\n"
