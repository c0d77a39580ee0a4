"""Figures of the hot paths, each beside its floor and a peer, in one run on one machine. `make bench` runs it."""
