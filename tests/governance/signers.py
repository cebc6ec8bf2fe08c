"""Who must sign for a use to speak."""

LIVE = ("director", "dpo", "legal", "works_council", "biologist")
