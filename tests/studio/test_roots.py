"""Nothing outside of what was opened is read, listed or written."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nakawari.errors import InputError
from nakawari.studio.roots import Roots, safe_name
from tests.studio.conftest import Page, write_clip


@pytest.fixture
def places(tmp_path: Path) -> tuple[Roots, Path]:
    (tmp_path / "opened" / "deep").mkdir(parents=True)
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "file.mkv").write_text("x")
    (tmp_path / "opened" / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "opened" / "inner").symlink_to(tmp_path / "opened" / "deep")
    (tmp_path / "opened" / "loop").symlink_to(tmp_path / "opened" / "loop")
    return Roots.of([tmp_path / "opened"]), tmp_path


@pytest.mark.parametrize(
    "path",
    ["..", "../secret/file.mkv", "link/file.mkv", "link", "deep/../../secret", "/etc/passwd", "", "a\x00b",
     "loop/x", "deep/../link/file.mkv"],
)  # fmt: skip
def test_ways_out_are_refused(places: tuple[Roots, Path], path: str) -> None:
    with pytest.raises(InputError):
        places[0].inside(path)


def test_ways_inside_are_followed(places: tuple[Roots, Path]) -> None:
    roots, folder = places
    assert roots.inside("inner") == (folder / "opened" / "deep").resolve()
    assert roots.inside(str(folder / "opened" / "new.mkv")).name == "new.mkv"
    names = [entry["name"] for entry in roots.list(str(folder / "opened"))["entries"]]
    assert names == ["deep", "inner"]
    assert roots.list(str(folder / "opened"))["parent"] == ""


@given(st.text(max_size=200))
def test_names_that_are_sent_never_become_paths(name: str) -> None:
    try:
        kept = safe_name(name)
    except InputError:
        return
    assert Path(kept).name == kept
    assert kept not in (".", "..")
    assert not kept.startswith(".")


def test_a_folder_of_images_may_not_link_out(page: Page) -> None:
    folder = page.folder / "clips" / "linked"
    folder.mkdir()
    outside = page.folder / "outside.png"
    outside.write_bytes(b"x")
    (folder / "1.png").symlink_to(outside)
    answer = page.post("open", {"path": str(folder)})
    assert answer.status_code == 400
    assert "outside" in answer.json()["error"]


def test_renders_stay_inside(page: Page, project: str) -> None:
    answer = page.post(f"projects/{project}/render", {"output": str(page.folder / "out.mkv")})
    assert answer.status_code == 400
    assert "outside" in answer.json()["error"]
    assert write_clip(page.folder / "clips" / "other.mkv").exists()


@pytest.mark.parametrize("project_id", ["..", "%2e%2e", "abc", "a" * 12 + "/../x", "0123456789ab"])
def test_ids_are_no_paths(page: Page, project_id: str) -> None:
    assert page.get(f"projects/{project_id}").status_code in (400, 404)
