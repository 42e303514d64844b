"""Losses: pure functions on tensors, each a mean so that weights do not depend on size or batch."""
