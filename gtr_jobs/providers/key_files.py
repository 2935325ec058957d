"""Read a file that holds a credential, and say what is wrong with it without showing what is in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gtr_jobs.domain.errors import ConfigurationError

_LARGEST = 64 * 1024


@dataclass(frozen=True, slots=True)
class KeyText:
    """A credential as text, and where it came from.

    Args:
        text: The secret.
        source: The setting, and the file where there is one; begins every error message.
    """

    text: str
    source: str

    def __repr__(self) -> str:
        return f"KeyText(source={self.source!r})"


def read_key_text(
    file: Path | None, file_setting: str, inline: str | None, inline_setting: str
) -> KeyText:
    """Get a credential from its file, or from the setting that holds it inline.

    Args:
        file: Its file; goes before `inline`.
        file_setting: The setting that names the file.
        inline: The credential itself.
        inline_setting: The setting that holds it.

    Raises:
        ConfigurationError: There is none, or the file cannot be read; names setting and file.
    """
    if file is None:
        if not (inline or "").strip():
            raise ConfigurationError(f"{file_setting}: not set", f"set it or {inline_setting}")
        return KeyText(text=inline or "", source=inline_setting)
    source = f"{file_setting}: {file}"
    try:
        with file.open("rb") as stream:
            content = stream.read(_LARGEST + 1)
    except FileNotFoundError:
        raise ConfigurationError(f"{source} does not exist", "correct the path") from None
    except OSError as error:
        raise ConfigurationError(
            f"{source} cannot be read: {error.strerror}", "name a file that this user may read"
        ) from None
    if len(content) > _LARGEST:
        raise ConfigurationError(f"{source} is too large to be a key", "correct the path")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{source} is not a text file", "correct the path") from None
    if not text.strip():
        raise ConfigurationError(f"{source} is empty", "download the key again")
    return KeyText(text=text, source=source)
