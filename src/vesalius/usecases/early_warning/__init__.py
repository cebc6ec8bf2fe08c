"""Early warning: who gets worse, by the vital signs and the laboratory?"""

from vesalius.usecases.early_warning.early_warning import EarlyWarning

__all__ = ["EarlyWarning"]
