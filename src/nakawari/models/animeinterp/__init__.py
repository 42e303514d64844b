"""AnimeInterp, and AnimeInterp with global motion aggregation.

    sgm.py        segment-guided matching: coarse flow of colour pieces, the guide
    rfr.py        recurrent flow refinement; parts.py and gma.py are what it is made of
    synthesis.py  splatting of frames and features, and the grid network that paints the result
    config.py     variants: attention, "official" or "paper"
    net.py        refinement and synthesis together;  model.py  as an interpolator
    official.py   weight files of the projects, by their keys

Source: Li et al. 2021, "Deep Animation Video Interpolation in the Wild"; the thesis "Deep Animation Video
Interpolation with Global Motion Aggregation and Style Loss".
"""
