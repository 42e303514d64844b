"""The layering rule and the laziness rule, read from the source itself."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "nakawari"

# The higher may import the lower; siblings of one layer only where ALLOWED says so.
LAYER = {
    "allocation": 1, "errors": 1, "machine_code": 1, "optional": 1, "replacing": 1, "tensors": 1,
    "torchscript": 1,
    "ops": 2, "checkpoints": 2,
    "nn": 3,
    "models": 4, "video": 4, "timeline": 4, "cels": 4, "losses": 4, "metrics": 4, "data": 4,
    "pipeline": 5, "train": 5, "evaluation": 5,
    "cli": 6, "studio": 6, "integrations": 6, "vapoursynth": 6,
}  # fmt: skip
ALLOWED = {
    ("data", "video"), ("data", "timeline"), ("cels", "video"),
    ("train", "evaluation"), ("evaluation", "pipeline"), ("cli", "studio"),
}  # fmt: skip
GROUND = {
    ("tensors", "errors"),
    ("optional", "errors"),
    ("machine_code", "optional"),
    ("torchscript", "errors"),
}
TORCH_FREE = ("video", "timeline", "cels")
BOUNDARIES = ("cli/verbs.py", "video/threads.py", "studio/work.py")
"""Where any error may be caught: to print it as a line, and to carry it from one thread or process
to another."""
LAZY = ("av", "numba", "triton", "ray", "vapoursynth", "skimage", "scipy", "cv2", "torch", "rich",
        "starlette", "uvicorn")  # fmt: skip


def parts(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            if node.module == "nakawari":
                found |= {f"nakawari.{alias.name}" for alias in node.names}
    return found


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_down(path: Path) -> None:
    here = parts(path)
    if here in ("__init__", "__main__"):
        return
    for name in imports(path):
        root, _, rest = name.partition(".")
        there = rest.split(".")[0]
        if root != "nakawari" or there in ("", here) or there == "__version__":
            continue
        assert there in LAYER, f"{name} is in no layer"
        down = LAYER[there] < LAYER[here]
        assert down or (here, there) in ALLOWED | GROUND, f"{path} imports {name}: not downwards"


@pytest.mark.parametrize("path", [p for p in FILES if parts(p) in TORCH_FREE], ids=lambda p: p.name)
def test_time_and_files_are_free_of_torch(path: Path) -> None:
    assert not {name for name in imports(path) if name.split(".")[0] in ("torch",)}
    assert "nakawari.tensors" not in imports(path)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_import_errors_are_caught_in_one_place(path: Path) -> None:
    if path.name == "optional.py":
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ExceptHandler):
            caught = ast.unparse(node.type) if node.type else "everything"
            assert "ImportError" not in caught, caught
            assert "ModuleNotFoundError" not in caught, caught
            assert node.type is not None, f"{path}: bare except"
            boundary = path.relative_to(PACKAGE).as_posix() in BOUNDARIES
            assert boundary or caught not in ("Exception", "BaseException"), f"{path}: except {caught}"


def test_importing_nakawari_is_light() -> None:
    code = f"import sys, nakawari; print([m for m in {LAZY!r} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_planning_needs_no_torch() -> None:
    code = (
        "import sys, nakawari.cli.plan, nakawari.cli.smooth, nakawari.pipeline.analyse;"
        "import nakawari.pipeline.smooth;"
        "print('torch' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"


def test_files_stay_short() -> None:
    long = {str(p.relative_to(PACKAGE)): n for p in FILES if (n := len(p.read_text().splitlines())) > 400}
    assert not long
