"""The clinical uses that come with Vesalius, one folder each; a hospital's own use nothing that these do not."""
