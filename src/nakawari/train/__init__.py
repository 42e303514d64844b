"""Training: one linear loop (`loop`) over a `task`, in a folder (`run`), told by a file (`config`).

It imports torch, numpy, opencv and safetensors only, so that it runs on a bare GPU machine.
"""
