"""The app, as gtr-jobs is told of it: GTR_APP=garage.jobs:app."""

from __future__ import annotations

from pathlib import Path

from garage.kinds.booking_confirmed import BookingConfirmed
from garage.tasks.write_slip import SLIPS
from gtr_jobs.extend import App

app = App(
    # Its files stand in the database's books under this name: it stays as it is.
    name="garage",
    # Grows with each release. A worker refuses a database whose functions are older than it knows.
    version="0.1.0",
    # What people are told. Each is enqueued by a file in sql/on/.
    kinds=(BookingConfirmed(),),
    # What is done beside that, each in a lane of its own: what is slow here delays no push.
    queues=(SLIPS,),
    sql=Path(__file__).resolve().parent.parent / "sql",
    # What its SMS and e-mails say: looked over when a worker starts.
    templates=Path(__file__).resolve().parent / "texts",
)
