"""The clinical uses that come with Vesalius, one folder each; a hospital's own can do all that these do."""
