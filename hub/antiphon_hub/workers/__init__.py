"""The workers that are here, and the jobs they do."""

from antiphon_hub.workers.placement import Chosen, Kind
from antiphon_hub.workers.pool import Job, Worker, WorkerPool
from antiphon_hub.workers.trial import Trials

__all__ = ["Chosen", "Job", "Kind", "Trials", "Worker", "WorkerPool"]
