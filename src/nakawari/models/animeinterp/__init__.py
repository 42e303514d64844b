"""AnimeInterp: segment-guided matching, recurrent flow refinement, warping and synthesis."""
