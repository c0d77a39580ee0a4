"""A third wing, of which nothing in `app` knows: one folder is all that a gateway takes."""
