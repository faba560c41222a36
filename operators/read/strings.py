"""Faults of a string that no encoder can make sense of; both checks run over bytes, at about 1 GB/s."""

from operators.read.record import Bad, Reason

#: C0 controls that are white space in text are kept.
_CONTROLS = "".join(chr(code) for code in range(0x20) if chr(code) not in "\t\n\v\f\r")


def lone_surrogate(text: str, field: str) -> Bad | None:
    """Half of a UTF-16 pair, as JSON's escapes can spell it: no UTF-8 form exists."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return Bad(Reason.LONE_SURROGATE, f"{field}: U+{ord(text[error.start]):04X} at character {error.start + 1}")
    return None


def control_character(text: str, field: str) -> Bad | None:
    """A C0 control character other than tab, newline, vertical tab, form feed and carriage return."""
    data = text.encode()
    if len(data.translate(None, _CONTROLS.encode())) == len(data):
        return None
    place = next(number for number, character in enumerate(text) if character in _CONTROLS)
    return Bad(Reason.CONTROL_CHARACTERS, f"{field}: U+{ord(text[place]):04X} at character {place + 1}")
