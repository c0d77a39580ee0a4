"""GREEN-API's methods over a gateway of other words: the request as an ask of ours, the answer as GREEN-API tells it.

The second way of the compatible face, chosen by `Traits.words`. Replies have the shape that GREEN-API itself gives
them, refusals included, so that they are cleaned and reworded by the same rules as its own.
Sources: GREEN-API's pages of the methods (read 2026-11-21).
"""
