"""Makes the generated contract one that client generators like: problems by reference, no framework quirks."""

from litestar.openapi.spec import OpenAPI


def polish(document: OpenAPI) -> None:
    """Edit the document in place, before it is served or exported."""
