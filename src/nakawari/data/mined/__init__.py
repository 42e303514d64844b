"""Sets that are mined from films, in the layout of ATD-12K.

    look.py        a drawing, reduced to what is compared
    motion.py      flow of a triplet; whether it is worth learning from; level, box and type, estimated
    captions.py    lines of text
    files.py       names, frames, annotations, journals
    statistics.py  numbers of a set, as the paper's Figure 3
    review.py      a page to keep or drop on, and the answers of several people

How a film is read and what is judged when is `pipeline.mine`.
"""
