"""The embedded runtime: everything Sublet needs to run on one machine, without Docker.

Servers come from wheels, each in a private directory, on loopback, behind a password; nothing
started here outlives the process that started it.
"""
