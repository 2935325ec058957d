"""What one app needs to reach its phones, where there are several: `GTR_APPS__<APP>__...`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from gtr_jobs.domain.push import DEFAULT_APP


def _refuse_default(name: str) -> str:
    if name == DEFAULT_APP:
        raise ValueError(
            "the app named default has settings without a name in them: GTR_FCM_..., GTR_APNS_..., GTR_EXPO..."
        )
    return name


# As a device says which app it is of: gtr_jobs.register_app_device() and a check in the database hold to the same.
AppName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$", max_length=40),
    AfterValidator(_refuse_default),
]


class AppCredentials(BaseModel):
    """The credentials of one app; those that it does not name it does not have."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    fcm_credentials_file: Path | None = Field(
        None, description="The app's Firebase service account key (JSON file)."
    )
    fcm_credentials_json: SecretStr | None = Field(
        None, description="The same key inline, where there is no file."
    )
    apns_topic: str | None = Field(None, description="The app's bundle id. Turns APNs on.")
    apns_environment: Literal["production", "sandbox"] | None = Field(
        None,
        description="Which of Apple's hosts is asked first for tokens of which it is not known; "
        "unset: GTR_APNS_ENVIRONMENT.",
    )
    apns_key_file: Path | None = Field(
        None,
        description="APNs signing key (.p8 file); unless any of key, key id and team id is set, "
        "those of GTR_APNS_... sign for this app too.",
    )
    apns_key: SecretStr | None = Field(
        None, description="The same key inline, where there is no file."
    )
    apns_key_id: str | None = Field(None, description="The signing key's id, ten signs.")
    apns_team_id: str | None = Field(None, description="The Apple team's id, ten signs.")
    expo: bool | None = Field(
        None,
        description="Whether the app's Expo tokens are served; unset: where it has an access token.",
    )
    expo_access_token: SecretStr | None = Field(
        None, description="Expo's access token of the app's project."
    )

    @property
    def names_apns_key(self) -> bool:
        """Whether it signs with a key of its own."""
        return any((self.apns_key_file, self.apns_key, self.apns_key_id, self.apns_team_id))
