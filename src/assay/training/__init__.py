"""The PyTorch engine: one loop, and what it is made of; it knows no learner and no architecture."""
