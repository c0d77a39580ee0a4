"""The upstream, played: GREEN-API over HTTP from one in-memory world, with faults, a clock and the truth.

Imports nothing of `app`: it is a stranger to the house and is spoken to over HTTP alone.
"""
