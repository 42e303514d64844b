"""FILM: features that mean the same at every scale, so that one small network finds motion at all of them.

`net.py` is the network, `official.py` knows its files, `model.py` draws.

Source: Reda et al. 2022, *FILM: Frame Interpolation for Large Motion*.
"""
