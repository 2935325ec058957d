"""Acting as PostgREST does for somebody who calls the API."""

from __future__ import annotations

from gtr_jobs.dev.api_roles import as_anon, as_service_role, as_user

__all__ = ["as_anon", "as_service_role", "as_user"]
