"""Forms with one file (multipart/form-data, RFC 7578), understood while they pass. No form is held in memory."""

from typing import Final

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from app.kit.errors import BodyTooLarge, FieldError, InvalidRequest

MOST_PARTS: Final = 64
MOST_TEXT_BYTES: Final = 256 * 1024
LONGEST_BOUNDARY: Final = 200
"""RFC 2046 allows 70; some clients write longer ones."""


class InvalidForm(InvalidRequest):
    """The form cannot be read."""


class Form:
    """The parts of one body: texts by name, and one file. No name may come twice, whatever its case.

    That makes what we looked at what the gateway sees, which reads names without regard to case.
    """

    def __init__(self, boundary: str, most_file_bytes: int) -> None:
        self._boundary = boundary
        self._most_file_bytes = most_file_bytes
        self._parser = PushMultipartParser(boundary, max_segment_count=MOST_PARTS)
        self._start: bytes | None = b""
        self._part: MultipartSegment | None = None
        self._text = bytearray()
        self._left = MOST_TEXT_BYTES
        self.names: set[str] = set()
        """Of every part whose head has come, in lower case."""
        self.fields: dict[str, str] = {}
        self.has_file = False
        """Whether the file has begun."""
        self.file_name = ""
        self.file_type = ""
        self.file_bytes = 0

    def afresh(self) -> "Form":
        """The same form, to be read once more from its beginning."""
        return Form(self._boundary, self._most_file_bytes)

    def feed(self, piece: bytes) -> list[bytes]:
        """Understand the next bytes; those of the file among them.

        Raises:
            InvalidForm, BodyTooLarge: it cannot be read or goes beyond a bound.
        """
        self._check_start(piece)
        of_file: list[bytes] = []
        try:
            for event in self._parser.parse(piece) if piece else ():
                if isinstance(event, MultipartSegment):
                    self._begin(event)
                elif event is None:
                    self._finish_part()
                else:
                    self._take(bytes(event), of_file)
        except MultipartError:
            raise InvalidForm("The multipart body is malformed, or has too many parts.") from None
        return of_file

    def end(self) -> None:
        """Nothing more comes.

        Raises:
            InvalidForm: the form is not whole.
        """
        try:
            self._parser.close()
        except MultipartError:
            raise InvalidForm("The multipart body has no end.") from None

    def _check_start(self, piece: bytes) -> None:
        """A form begins with its boundary: what another reader may find before it, we would not have seen."""
        if self._start is None:
            return
        mark = b"--" + self._boundary.encode()
        self._start += piece[: len(mark) + 2]
        begun = self._start.removeprefix(b"\r\n")
        if not begun.startswith(mark[: len(begun)]) and self._start != b"\r":
            raise InvalidForm("The multipart body does not begin with its boundary.")
        if len(begun) >= len(mark):
            self._start = None

    def _begin(self, part: MultipartSegment) -> None:
        name = part.name or ""
        if not name:
            raise InvalidForm("Every part of the form needs a name.")
        if name.lower() in self.names:
            text = f"The part `{name[:40]}` comes twice."
            raise InvalidForm(text, errors=(FieldError("#/" + name[:40], "invalid_value", text),))
        self.names.add(name.lower())
        self._part = part
        if not self._is_file(part):
            return
        if self.has_file:
            raise InvalidForm("The form has more than one file.")
        self.has_file = True
        self.file_name = part.filename or ""
        self.file_type = part.header("Content-Type", "") or ""

    def _take(self, data: bytes, of_file: list[bytes]) -> None:
        if self._part is not None and self._is_file(self._part):
            self.file_bytes += len(data)
            if self.file_bytes > self._most_file_bytes:
                raise BodyTooLarge()
            of_file.append(data)
            return
        self._left -= len(data)
        if self._left < 0:
            raise BodyTooLarge("The texts of the form are too long.")
        self._text += data

    def _finish_part(self) -> None:
        part, self._part = self._part, None
        if part is None or self._is_file(part):
            return
        try:
            self.fields[part.name or ""] = self._text.decode()
        except UnicodeDecodeError:
            raise InvalidForm(f"The part `{(part.name or '')[:40]}` is not UTF-8.") from None
        self._text.clear()

    @staticmethod
    def _is_file(part: MultipartSegment) -> bool:
        return part.filename is not None or (part.name or "").lower() == "file"


def boundary_of(content_type: str) -> str | None:
    """The boundary of a form's Content-Type; None when it names no form.

    Raises:
        InvalidForm: it has no usable boundary, or it is another kind of multipart.
    """
    kind, options = parse_options_header(content_type)
    if not kind.strip().lower().startswith("multipart/"):
        return None
    boundary = str(options.get("boundary", ""))
    usable = boundary.isascii() and boundary.isprintable() and 0 < len(boundary) <= LONGEST_BOUNDARY
    if kind.strip().lower() != "multipart/form-data" or not usable:
        raise InvalidForm("A form needs `multipart/form-data` with a boundary.")
    return boundary
