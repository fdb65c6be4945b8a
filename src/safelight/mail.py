"""What a person reads: subject and body of one mail about one or many jobs that ended. Pure; SMTP and SNS share it."""

import textwrap
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Literal

from msgspec import Struct

from safelight.figures import change_text, size_text, time_text
from safelight.job import Outcome, Output, Source, Status

MAX_SUBJECT = 99  # SNS refuses a subject of 100 characters, and any that is not ASCII
MAX_LISTED = 50
WIDTH = 76

Kind = Literal["success", "failure"]
VERDICTS = {
    Status.SUCCEEDED: "developed",
    Status.REJECTED: "rejected",
    Status.FAILED: "failed",
    Status.QUARANTINED: "quarantined",
}
FORMATS = {"webp": "WebP", "tiff": "TIFF", "heic": "HEIC"}


class Mail(Struct, frozen=True, kw_only=True):
    """One mail. The subject is printable ASCII; `jobs` are the ids of the jobs that the body names."""

    subject: str
    body: str
    jobs: tuple[str, ...]


class Totals(Struct, frozen=True, kw_only=True):
    """Many outcomes, counted; the first of each kind in full. Bytes are those of pictures that were developed."""

    counts: Counter[Status]
    bytes_in: int
    bytes_out: int
    listed: dict[Kind, list[Outcome]]
    first: str
    last: str

    @property
    def failures(self) -> int:
        """Count what was not developed."""
        return self.counts.total() - self.successes

    @property
    def successes(self) -> int:
        """Count what was developed."""
        return self.counts[Status.SUCCEEDED]


def kind_of(status: Status) -> Kind | None:
    """Return which word of `notify.on` covers `status`; None for what is never told."""
    if status is Status.SUCCEEDED:
        return "success"
    return "failure" if status in VERDICTS else None


class Sender(Struct, frozen=True, kw_only=True):
    """In whose name a mail is: a project's, or one of its environments' on AWS."""

    project: str
    environment: str | None = None

    @property
    def name(self) -> str:
        """Return what the mail is headed with; production is not said, as in the names on AWS."""
        return self.project if self.environment in {None, "prod"} else f"{self.project}-{self.environment}"

    @property
    def option(self) -> str:
        """Return what a command needs to find the job, with a space before."""
        return f" --env {self.environment}" if self.environment else ""


def compose(sender: Sender, outcomes: Iterable[Outcome]) -> Mail:
    """Write the mail about `outcomes`: at least one, each of a status that is told.

    They are read once and all but the first 50 of each kind are only counted, so a backlog may be large.
    """
    totals = tally(outcomes)
    listed = [*totals.listed["failure"], *totals.listed["success"]]
    one = totals.counts.total() == 1
    lines = _one(listed[0], sender) if one else _many(totals, sender)
    return Mail(
        subject=_subject_of_one(sender.name, listed[0]) if one else _fit(f"[{sender.name}] {_headline(totals)}"),
        body="\n".join([*lines, "", "-- ", *wrap(_footer(sender.name))]) + "\n",
        jobs=tuple(outcome.id for outcome in listed),
    )


def tally(outcomes: Iterable[Outcome]) -> Totals:
    """Count outcomes in one pass."""
    counts: Counter[Status] = Counter()
    listed: dict[Kind, list[Outcome]] = {"failure": [], "success": []}
    bytes_in = bytes_out = 0
    first = last = ""
    for outcome in outcomes:
        counts[outcome.status] += 1
        kind = kind_of(outcome.status) or "failure"
        if len(listed[kind]) < MAX_LISTED:
            listed[kind].append(outcome)
        if kind == "success":
            bytes_in += outcome.upload.size
            bytes_out += _bytes_out(outcome)
        ended = outcome.finished_at or ""
        first, last = min(first or ended, ended or first), max(last, ended)
    return Totals(counts=counts, bytes_in=bytes_in, bytes_out=bytes_out, listed=listed, first=first, last=last)


def _subject_of_one(project: str, outcome: Outcome) -> str:
    name = _ascii_name(outcome.upload.key)
    if outcome.status is Status.SUCCEEDED:
        return _fit(f"[{project}] 1 picture developed", name)
    code = f" ({outcome.error.code})" if outcome.error else ""
    return _fit(f"[{project}] {VERDICTS[outcome.status]}", name, code)


def _fit(start: str, name: str = "", end: str = "") -> str:
    room = MAX_SUBJECT - len(start) - len(end) - 2
    if len(name) > room:
        # The end of a name tells more than its middle: it holds the number and the format.
        name = name[: max(room - 23, 0)] + "..." + name[-20:]
    return f"{start}{': ' if name else ''}{name}{end}"[:MAX_SUBJECT]


def _ascii_name(key: str) -> str:
    """Return the file's name in ASCII; empty when nothing of it but the ending could be read."""
    letters = unicodedata.normalize("NFKD", key.rpartition("/")[2])
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    name = "".join(letter if " " <= letter <= "~" else "?" for letter in plain)
    stem = name.rpartition(".")[0] or name
    return name if any(letter.isalnum() for letter in stem) else ""


def _headline(totals: Totals) -> str:
    if not totals.failures:
        return f"{_pictures(totals.successes)} developed"
    bad = f"{_pictures(totals.failures)} could not be developed"
    return f"{bad}, {totals.successes} developed" if totals.successes else bad


def _pictures(count: int) -> str:
    return f"{count} picture{'' if count == 1 else 's'}"


def _footer(project: str) -> str:
    return f"Sent by Safelight for {project}. To change what is told: notify in safelight.yaml."


def _one(outcome: Outcome, sender: Sender) -> Iterator[str]:
    """Yield the lines about one job, with everything that helps to act on it."""
    yield from wrap(_what_happened(outcome))
    if outcome.status in {Status.REJECTED, Status.FAILED}:
        yield "The original is untouched."
    yield ""
    if outcome.error:
        yield from field("Problem", f"{outcome.error.code}: {outcome.error.message}")
        yield from field("Remedy", outcome.error.remedy)
    yield f"  File      {shown(outcome.upload.key)}"
    yield from field("Original", _original(outcome.source, outcome.upload.size))
    yield from field("Recipe", outcome.recipe)
    if outcome.duration_ms is not None:
        yield from field("Time", time_text(outcome.duration_ms))
    yield from _outputs(outcome)
    yield from (line for warning in outcome.warnings for line in ("", *wrap(f"Warning: {warning}")))
    yield from ("", "More about this job:", f"  safelight status {outcome.id}{sender.option}")
    if outcome.status is Status.FAILED:
        yield from ("Once the cause is gone, try again:", f"  safelight replay {outcome.id}{sender.option}")


def _what_happened(outcome: Outcome) -> str:
    name = shown(outcome.upload.key.rpartition("/")[2] or outcome.upload.key)
    if outcome.status is Status.SUCCEEDED:
        return f"{name} is developed."
    if outcome.status is Status.REJECTED:
        return f"{name} was rejected: it cannot be developed as it is."
    if outcome.status is Status.QUARANTINED:
        return f"{name} was quarantined by moderation: its outputs are not published."
    tries = f" in {outcome.attempts} attempts" if outcome.attempts > 1 else ""
    return f"{name} could not be developed{tries}."


def _outputs(outcome: Outcome) -> Iterator[str]:
    if outcome.renditions:
        yield from ("", "Outputs:")
    for output in outcome.renditions[:MAX_LISTED]:
        yield f"  {shown(output.key)}"
        change = f" ({change_text(outcome.upload.size, output.size)})" if output.width else ""
        yield f"    {_picture(output)}{change}"
        if output.note:
            yield from wrap(output.note, "    ")
    if len(outcome.renditions) > MAX_LISTED:
        yield f"  and {len(outcome.renditions) - MAX_LISTED} more"


def _many(totals: Totals, sender: Sender) -> Iterator[str]:
    """Yield the lines about many jobs: counts, then failures, then successes."""
    yield f"{_headline(totals)}."
    yield ""
    yield from _counts(totals)
    yield from _list(totals, "failure", "Not developed:", sender)
    yield from _list(totals, "success", "Developed:", sender)


def _counts(totals: Totals) -> Iterator[str]:
    for status, verdict in VERDICTS.items():
        if totals.counts[status]:
            yield f"  {verdict.capitalize():<12}{totals.counts[status]:>8}"
    if totals.successes:
        yield f"  {'Originals':<12}{size_text(totals.bytes_in):>8}"
        yield f"  {'Outputs':<12}{size_text(totals.bytes_out):>8}  ({change_text(totals.bytes_in, totals.bytes_out)})"
        saved = totals.bytes_in - totals.bytes_out
        yield f"  {'Saved' if saved >= 0 else 'Added':<12}{size_text(abs(saved)):>8}"
    if totals.first:
        span = totals.first if totals.first == totals.last else f"{totals.first} to {totals.last}"
        yield f"  {'Ended':<12}{span}"


def _list(totals: Totals, kind: Kind, title: str, sender: Sender) -> Iterator[str]:
    listed = totals.listed[kind]
    if listed:
        yield from ("", title)
    for number, outcome in enumerate(listed, 1):
        yield from ("", f"{number:>3}. {shown(outcome.upload.key)}")
        yield from wrap(_short(outcome), "     ")
        if outcome.error:
            yield from wrap(outcome.error.remedy, "     ")
        yield f"     safelight status {outcome.id}{sender.option}"
    statuses = [status for status in VERDICTS if kind_of(status) == kind and totals.counts[status]]
    rest = sum(totals.counts[status] for status in statuses) - len(listed)
    if rest:
        yield ""
        yield f"     and {rest} more: " + ", ".join(
            f"safelight jobs --status {status.value}{sender.option}" for status in statuses
        )


def _short(outcome: Outcome) -> str:
    if outcome.error:
        return f"{VERDICTS[outcome.status]} ({outcome.error.code}): {outcome.error.message}"
    if outcome.status is not Status.SUCCEEDED:
        return VERDICTS[outcome.status]
    count, size = len(outcome.renditions), _bytes_out(outcome)
    time = f", {time_text(outcome.duration_ms)}" if outcome.duration_ms is not None else ""
    outputs = f"{count} output{'' if count == 1 else 's'}"
    warned = "".join(f"; warning: {warning}" for warning in outcome.warnings)
    change = change_text(outcome.upload.size, size)
    return f"{size_text(outcome.upload.size)} to {size_text(size)} in {outputs} ({change}){time}{warned}"


def _bytes_out(outcome: Outcome) -> int:
    return sum(output.size for output in outcome.renditions)


def _original(source: Source | None, size: int) -> str:
    return _picture_text(source, size) if source else size_text(size)


def _picture(output: Output) -> str:
    return _picture_text(output, output.size)


def _picture_text(picture: Source | Output, size: int) -> str:
    name = FORMATS.get(picture.format, picture.format.upper())
    pixels = f"{picture.width} x {picture.height}, " if picture.width else ""
    return f"{name}, {pixels}{size_text(size)}"


def field(name: str, text: str) -> list[str]:
    """Return the lines of a fact and its name."""
    return wrap(text, f"  {name:<10}", " " * 12)


def wrap(text: str, first: str = "", rest: str | None = None) -> list[str]:
    """Return text as lines of a mail, which begin as told."""
    return textwrap.wrap(
        shown(text),
        WIDTH,
        initial_indent=first,
        subsequent_indent=first if rest is None else rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def shown(text: str) -> str:
    """Return text on one line, with everything that does not print (or turns the writing round) escaped."""
    return "".join(letter if _prints(letter) else letter.encode("unicode_escape").decode() for letter in text)


def _prints(letter: str) -> bool:
    # Names of screenshots hold no-break spaces; Python calls them unprintable.
    return letter.isprintable() or unicodedata.category(letter) == "Zs"
