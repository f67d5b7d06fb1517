"""Architectures: modules of PyTorch only, which are built, composed and tested without training."""
