"""Readmission within 30 days: who needs a transition bundle, a call or usual care after discharge?"""

from vesalius.usecases.readmission.readmission import Readmission

__all__ = ["Readmission"]
