"""HTTP as every wing needs it: each call is written to the wire once at most, and no secret gets into an error."""
