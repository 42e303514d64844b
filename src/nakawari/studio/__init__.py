"""The studio: a local page for looking at a clip's drawings and what lies between them, and mending both.

    roots.py      which folders may be opened; nothing outside them is read or written
    guard.py      who may ask: our own page on this machine, with its token
    project.py    what is known of a clip and what a person decided: data, JSON
    edits.py      one edit: what the page sends → a new project
    store.py      projects on disk, saved at every edit; undo
    work.py       what the worker processes do: decode, draw, render
    crew.py       worker processes, and the jobs that wait for them
    views.py      projects as the page wants them
    server.py     addresses → all of these
    static/       the page: HTML, CSS and JavaScript modules as they are, loaded from nowhere else

The server holds no codec and no model: files that someone hands in are met by a worker process, which may
die of them, and is replaced.
"""
