"""Kernels: pure functions on tensors. Facts of geometry, not of models."""
