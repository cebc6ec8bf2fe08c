"""Watching each use for ever after: what its suggestions, their outcomes and people's answers add up to.

Counts are kept, one tally per use, model, settings and day; never a row of a patient. From them follow drift,
performance, calibration, subgroups and what people do with the suggestions; alarms; and the stop rules that
take a live use back to silence by themselves.
"""
