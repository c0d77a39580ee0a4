"""The page behind a pairing link: plain HTML without a script, for a person with a phone in the hand.

It names no gateway and no id. It refreshes itself for some minutes only: where calls are counted, a page that was left
open must not use them up.
"""

from html import escape
from typing import Final

REFRESH_SECONDS: Final = 15
MOST_SHOWN: Final = 12
"""Refreshes of a page that was opened once: three minutes, after which a person has to ask for more."""
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
    "Content-Security-Policy": (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
}
PAGE: Final = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width">{refresh}<title>{title}</title><style>
body{{font:1rem/1.5 system-ui,sans-serif;max-width:26rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}}
img{{display:block;width:16rem;max-width:100%;margin:1rem auto;image-rendering:pixelated}}
input,button{{font:inherit;padding:.4rem .6rem}} .code{{font:bold 2rem monospace;letter-spacing:.1em}}
.bad{{color:#a00}}
</style></head><body><h1>{title}</h1>
{body}
</body></html>"""
STEPS: Final = """<ol><li>Open WhatsApp on your phone.</li>
<li>Open <b>Linked devices</b> and choose <b>Link a device</b>.</li>
<li>Point the phone at this picture.</li></ol>"""
OTHERWISE: Final = """<h2>Is this page on that very phone?</h2>
<p>Then it cannot point at itself. <a href="?by=number">Type a code instead</a></p>"""
FORM: Final = """<form method="post" action="?" autocomplete="off">
<p><label for="phone">Number of the phone, with its country code</label><br>
<input id="phone" name="phone" type="tel" required maxlength="30" placeholder="+44 20 7946 0018">
<button>Get a code</button></p></form>"""


def to_scan(png_base64: str, shown: int) -> str:
    """The picture of the moment, in three steps; `shown` counts the refreshes before."""
    picture = f'<img alt="The code to scan" src="data:image/png;base64,{escape(png_base64)}">'
    return _page("Link your phone", STEPS + picture + OTHERWISE, shown=shown)


def to_ask() -> str:
    """For whoever cannot scan; it does not refresh itself, which would empty the field while a number is typed."""
    return _page("Link with a code", FORM + '<p><a href="?">Scan a picture instead</a></p>')


def to_type(code: str) -> str:
    """Characters to type; it does not refresh itself, since the code is kept nowhere."""
    body = f"""<ol><li>Open WhatsApp on your phone, then <b>Linked devices</b> and <b>Link a device</b>.</li>
<li>Choose <b>Link with phone number instead</b>.</li><li>Type this code:</li></ol>
<p class="code">{escape(code)}</p><p><a href="?by=typed">I have typed it</a></p>"""
    return _page("Your code", body)


def bad_number() -> str:
    """The form again."""
    return _page("Your code", '<p class="bad">This is no phone number with its country code.</p>' + FORM)


def linked(phone: str | None) -> str:
    """It is done; the number's last digits say which phone."""
    which = f" Its number ends in {escape(phone[-4:])}." if phone else ""
    return _page("Linked", f"<p>The phone is linked.{which} You can close this page.</p>")


def moment(text: str, shown: int) -> str:
    """Not yet; the page asks again by itself."""
    return _page("A moment, …", f"<p>{escape(text)}</p>", shown=shown)


def rest() -> str:
    """The page was open for long; a person asks for the next code."""
    return _page("Link your phone", '<p>This page has been open for a while.</p><p><a href="?">Show a new code</a></p>')


def refused(title: str, text: str) -> str:
    """Why there is nothing to see."""
    return _page(title, f"<p>{escape(text)}</p>")


def _page(title: str, body: str, *, shown: int | None = None) -> str:
    refresh = "" if shown is None else f'<meta http-equiv="refresh" content="{REFRESH_SECONDS};url=?n={shown + 1}">'
    return PAGE.format(title=escape(title), body=body, refresh=refresh)
