"""RIFE: flow to both keys straight from the moment in between, estimated coarse to fine.

Four papers' worth of releases, one network (`net.py`): `versions.py` is the table of how they differ,
`official.py` knows their files, `model.py` draws.

Source: Huang et al. 2022, *Real-Time Intermediate Flow Estimation for Video Frame Interpolation*.
"""
