"""How near a made frame is to the truth.

`image` compares pixels, `lines` compares where the lines are, `lpips` compares what a network sees.
`cels` sees whether an in-between keeps what its keys are made of; it needs no truth.
"""
