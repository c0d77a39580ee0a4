"""GREEN-API's words for what we know in ours: for lines whose gateway speaks another language. Pure rules.

What our words do not tell is left empty and never made up. Sources: GREEN-API notification pages by kind, its journal
pages and its official Postman collection (read 2026-11-21).
"""
