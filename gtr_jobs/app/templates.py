"""Reads the texts that a worker knows: the package's own, and those of the app that GTR_APP names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gtr_jobs.settings import Settings

if TYPE_CHECKING:
    from gtr_jobs.extend import App
    from gtr_jobs.templates.catalog import Templates


def read_templates(app: App | None) -> Templates:
    """Read all texts, and look them over.

    Raises:
        ConfigurationError: A file is not as it should be; names it.
    """
    # The language of texts is much to load, and a worker that sends none needs none of it.
    from gtr_jobs.templates.catalog import Templates  # noqa: PLC0415

    return Templates.read(
        *([app.templates] if app is not None and app.templates is not None else [])
    )


def templates_of(settings: Settings) -> Templates:
    """Read all texts with those of the app that GTR_APP names.

    Raises:
        ConfigurationError: The app, or a file, is not as it should be.
    """
    if settings.app is None:
        return read_templates(None)
    # Most of what there is to load, and only an app needs it here.
    from gtr_jobs.app.extension import load_app  # noqa: PLC0415

    return read_templates(load_app(settings))
