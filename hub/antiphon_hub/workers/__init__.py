"""The workers that are here, and the jobs they do."""

from antiphon_hub.workers.pool import Job, Worker, WorkerPool

__all__ = ["Job", "Worker", "WorkerPool"]
