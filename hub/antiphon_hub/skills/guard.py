"""A plug-in's skill behind a fence: what goes wrong in it ends its own turn, and nothing else."""

import asyncio
import inspect
import logging
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import msgspec

from antiphon_hub.reply_template import fill
from antiphon_hub.skills.port import PluginSkill, Reply, Request
from antiphon_protocol.limits import TEXT_CHARS_MAX

log = logging.getLogger(__name__)

BLOCKED_MAX: Final = 2
"""Threads that one plug-in may hold; policy: reject and count."""

Blocking = Callable[[Callable[[], object]], Awaitable[object]]
"""Runs what may block, and returns what it returned."""
Responses = Mapping[str, Mapping[str, str]]
"""Intent, key of the reply, text with `{{ slots.name }}`."""


class GuardedSkill:
    """A `Skill` around a plug-in's: it always gives a reply, in time.

    A coroutine `do` runs in the event loop and must not block; a plain `do` runs in a thread of its
    own and may. A thread that outlives its time is left behind, and counts against the bound.
    """

    def __init__(
        self,
        name: str,
        skill: PluginSkill,
        *,
        responses: Responses,
        timeout_s: float,
        blocking: Blocking | None = None,
    ) -> None:
        self.name = name
        self.intents = frozenset(skill.intents)
        self._skill = skill
        self._responses = responses
        self._timeout_s = timeout_s
        self._blocking = blocking or _in_a_thread
        self._blocked = 0
        self._tasks: set[asyncio.Future[Reply]] = set()
        self.counts: Counter[str] = Counter()
        """done, errors, timeouts, refused."""

    async def do(self, request: Request) -> Reply:
        """Let the plug-in do it."""
        task = asyncio.ensure_future(self._call(request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            # Not asyncio.timeout: that would wait for a skill that swallows its cancellation.
            await asyncio.wait((task,), timeout=self._timeout_s)
        finally:
            task.cancel()
        if not task.done():
            return self._late(request)
        try:
            reply = task.result()
        except Exception:
            self.counts["errors"] += 1
            log.exception("skill %s failed in turn %s", self.name, request.turn)
            return Reply("Sorry, that did not work.", ok=False, code="skill-error")
        if reply.ok:
            self.counts["done"] += 1
        return self._worded(request, reply)

    async def _call(self, request: Request) -> Reply:
        if inspect.iscoroutinefunction(self._skill.do):
            try:
                found: object = await self._skill.do(request)
            except SystemExit as error:  # out of a task it would end the hub
                raise RuntimeError(f"SystemExit: {error}") from error
        elif self._blocked >= BLOCKED_MAX:
            self.counts["refused"] += 1
            log.error("skill %s: its threads are all stuck; refused", self.name)
            return Reply("Sorry, I am still busy with that.", ok=False, code="skill-busy")
        else:
            self._blocked += 1
            found = await self._blocking(lambda: self._held(request))
        if not isinstance(found, Reply) or not isinstance(found.text, str):
            raise TypeError(f"skill {self.name}: do() gave {type(found).__name__}, not a Reply")
        return found

    def _held(self, request: Request) -> object:
        try:
            return self._skill.do(request)
        finally:
            self._blocked -= 1

    def _late(self, request: Request) -> Reply:
        self.counts["timeouts"] += 1
        log.error(
            "skill %s took longer than %g s in turn %s", self.name, self._timeout_s, request.turn
        )
        return Reply("Sorry, that took too long.", ok=False, code="skill-timeout")

    def _worded(self, request: Request, reply: Reply) -> Reply:
        """A reply without words gets those of the plug-in's sentences file."""
        text = reply.text
        if not text and reply.ok and reply.question is None:
            texts = self._responses.get(request.intent, {})
            template = texts.get(request.response) or texts.get("default") or "Okay."
            # Where a slot was left out, two spaces would be left.
            text = " ".join(fill(template, request.slots).split())
        return msgspec.structs.replace(reply, text=text[:TEXT_CHARS_MAX])


async def _in_a_thread(work: Callable[[], object]) -> object:
    """Run work in a daemon thread: one that hangs for ever must not keep the hub from ending."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[object] = loop.create_future()

    def settle(found: object, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(RuntimeError(f"{type(error).__name__}: {error}"))
        else:
            future.set_result(found)

    def run() -> None:
        found, failure = None, None
        try:
            found = work()
        except BaseException as error:
            log.debug("in a plug-in's thread", exc_info=True)
            failure = error
        try:
            loop.call_soon_threadsafe(settle, found, failure)
        except RuntimeError:
            log.debug("a plug-in's thread ended after the event loop")

    threading.Thread(target=run, name="skill", daemon=True).start()
    return await future
