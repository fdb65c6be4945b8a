"""Whether a deployment works: a picture is uploaded, its jobs and outputs are looked at, and everything is removed."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from safelight.deliver import source_id
from safelight.errors import InvalidKey
from safelight.figures import size_text, time_text
from safelight.job import Job, Outcome, Status, Upload, jobs_for
from safelight.operate import picture
from safelight.operate.deployed import Deployed
from safelight.operate.objects import Bucket, output_faults
from safelight.operate.picture import Picture
from safelight.operate.step import Step
from safelight.operate.stuck import Stuck, diagnose
from safelight.recipe.keys import keys_of
from safelight.recipe.model import Recipe

POLL_S = 0.3
OTHER_RECIPES = "The package and this Safelight differ: `safelight deploy ENV`, then try again."

Tell = Callable[[Step], None]


class Order(Struct, frozen=True, kw_only=True):
    """What to try: a file or a drawn picture, and how long to wait. `token` makes its key a new one."""

    token: str
    file: Path | None = None
    timeout_s: float = 120.0


class Report(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a smoke test saw. `outcome_ms` is from the end of the upload until every job was seen to have ended."""

    environment: str
    ok: bool
    steps: tuple[Step, ...]
    key: str = ""
    outcome_ms: float | None = None
    jobs: tuple[Outcome, ...] = ()
    left: tuple[str, ...] = ()


class Smoke:
    """One smoke test of a deployment.

    Args:
        deployed: which.
        order: what to try.
        tell: is given each step as it was done.
    """

    def __init__(self, deployed: Deployed, order: Order, tell: Tell) -> None:
        self._deployed = deployed
        self._order = order
        self._tell = tell
        self._steps: list[Step] = []
        self._input = Bucket(deployed, deployed.output("InputBucket"))
        self._output = Bucket(deployed, deployed.output("OutputBucket"))
        self._outcomes: tuple[Outcome, ...] = ()
        self._outcome_ms: float | None = None

    def run(self) -> Report:
        """Do all of it. What was made is removed also when something fails or the user ends it.

        Raises:
            SafelightError: AWS could not be asked, which says nothing about the deployment.
        """
        recipes = self._deployed.settings.recipes
        chosen = self._choose(recipes)
        if chosen is None:
            return self._report("", ())
        left: tuple[str, ...] = ()
        began = time.monotonic()
        upload = self._input.upload(chosen)
        try:
            took = time_text((time.monotonic() - began) * 1000)
            self._say("upload", f"{upload.key}, {size_text(upload.size)}, to {upload.bucket} in {took}")
            self._follow(upload, recipes)
        finally:
            left = self._clean(upload, recipes)
        return self._report(upload.key, left)

    def _choose(self, recipes: tuple[Recipe, ...]) -> Picture | None:
        if self._order.file is None:
            return picture.drawn(recipes, self._order.token)
        found = picture.read(self._order.file, recipes, self._order.token)
        if found is None:
            endings = ", ".join(sorted({each for recipe in recipes for each in recipe.match.suffix}))
            detail = f"no recipe takes {self._order.file.name}: their names end with {endings}"
            self._say("unmatched", detail, "Name such a picture, or leave --file out.", ok=False)
        return found

    def _follow(self, upload: Upload, recipes: tuple[Recipe, ...]) -> None:
        """Wait for the jobs, then look at what they made; or say where they are stuck."""
        since_ms = int(self._deployed.now() * 1000) - 1000
        began = time.monotonic()
        jobs = self._wait(upload, recipes)
        seen_ms = round((time.monotonic() - began) * 1000, 1)
        for outcome in self._outcomes:
            self._tell_outcome(outcome, seen_ms)
        missing = len(jobs) - sum(each.status.ended for each in self._outcomes)
        if not missing:
            self._outcome_ms = seen_ms
            self._check(jobs)
            return
        detail = f"{missing} of {len(jobs)} jobs not ended after {self._order.timeout_s:.0f} s"
        self._say("timeout", detail, "See where it is stuck:", ok=False)
        for step in diagnose(Stuck(deployed=self._deployed, upload=upload, since_ms=since_ms)):
            self._add(step)

    def _wait(self, upload: Upload, recipes: tuple[Recipe, ...]) -> tuple[Job, ...]:
        """Return the upload's jobs when all have ended or the time is over; `_outcomes` is what is known of them.

        The event may name another version than the put did: where there are none, the etag stands for it.
        """
        ends = time.monotonic() + self._order.timeout_s
        while True:
            head = self._deployed.ledger.head(upload.bucket, upload.key)
            jobs = jobs_for(replace(upload, version=head.version) if head else upload, recipes)
            self._outcomes = tuple(known for job in jobs if (known := self._deployed.ledger.get(job.id)))
            ended = sum(each.status.ended for each in self._outcomes)
            if ended == len(jobs) or time.monotonic() > ends:
                return jobs
            time.sleep(POLL_S)
            self._deployed.renew()

    def _tell_outcome(self, outcome: Outcome, seen_ms: float) -> None:
        if not outcome.status.ended:
            return
        took = f", {time_text(outcome.duration_ms)} of it in the function" if outcome.duration_ms is not None else ""
        detail = f"{outcome.recipe}: {outcome.status.value} {time_text(seen_ms)} after the upload{took}"
        error = outcome.error
        if outcome.status is Status.SUCCEEDED or error is None:
            self._say("job", f"{detail} ({outcome.id})", ok=outcome.status is Status.SUCCEEDED)
        else:
            self._say("job", f"{detail}: {error.code}: {error.message} ({outcome.id})", error.remedy, ok=False)

    def _check(self, jobs: tuple[Job, ...]) -> None:
        """See that each job wrote exactly the keys of its recipe, and that they are as promised."""
        for job, outcome in zip(jobs, self._outcomes, strict=True):
            if outcome.status is not Status.SUCCEEDED:
                continue
            wanted, written = set(keys_of(job.recipe, job.upload.key)), {each.key for each in outcome.renditions}
            for key in sorted(wanted ^ written):
                said = "was not written" if key in wanted else "was written, and no rendition asks for it"
                self._say("output", f"{key} {said}", OTHER_RECIPES, ok=False)
            for each in outcome.renditions:
                found = self._output.look(each.key)
                faults = list(output_faults(found, each, outcome, self._deployed.output("Environment")))
                size = f"{each.width} x {each.height}, " if each.width else ""
                detail = "; ".join(faults) or f"{size}{size_text(each.size)}, metadata and tags as promised"
                remedy = "Report this with the output of --json." if faults else ""
                self._say("output", f"{each.key}: {detail}", remedy, ok=not faults)

    def _clean(self, upload: Upload, recipes: tuple[Recipe, ...]) -> tuple[str, ...]:
        """Remove the original first, so that nobody develops it any more, then its outputs; say what is left."""
        left = [self._input.remove(upload.key)]
        for key in self._keys(upload, recipes):
            found = self._output.look(key)
            if found is not None and found.metadata.get("source-id") == source_id(upload):  # else it is somebody else's
                left.append(self._output.remove(key))
        kept = tuple(filter(None, left))
        removed = f"removed, with all versions: the upload, {len(left) - 1} of its outputs"
        detail = f"left: {', '.join(kept)}" if kept else removed
        self._say("clean up", detail, "You may not remove these; somebody else has to." if kept else "")
        return kept

    def _keys(self, upload: Upload, recipes: tuple[Recipe, ...]) -> list[str]:
        """Return every key at which an output may be: those that were told of, and those that recipes ask for."""
        told = [each.key for outcome in self._outcomes for each in outcome.renditions]
        planned: list[str] = []
        for recipe in recipes:
            with suppress(InvalidKey):  # then its job is rejected, and wrote nothing
                planned += keys_of(recipe, upload.key) if recipe.match.takes(upload.key) else ()
        return list(dict.fromkeys((*told, *planned)))

    def _say(self, name: str, detail: str, remedy: str = "", *, ok: bool = True) -> None:
        self._add(Step(name=name, ok=ok, detail=detail, remedy=remedy))

    def _add(self, step: Step) -> None:
        self._steps.append(step)
        self._tell(step)

    def _report(self, key: str, left: tuple[str, ...]) -> Report:
        return Report(
            environment=self._deployed.output("Environment"),
            ok=all(each.ok for each in self._steps),
            steps=tuple(self._steps),
            key=key,
            outcome_ms=self._outcome_ms,
            jobs=self._outcomes,
            left=left,
        )
