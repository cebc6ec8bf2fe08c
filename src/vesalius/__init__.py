"""Vesalius brings AI to the bedside safely.

Every AI use in a hospital is the same loop: evidence, suggestion, a person decides, outcome, evaluation,
governance. This package runs that loop once; each clinical use is a small package on it
(:mod:`vesalius.usecase` is the contract, :mod:`vesalius.usecases` holds ours).
"""

__version__ = "0.1.0"
