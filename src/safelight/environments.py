"""Check what no single option shows of a deployment: names that AWS takes, limits of its services, loops, sharing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import combinations

from msgspec import Struct
from msgspec.structs import replace

from safelight.errors import InvalidRecipe
from safelight.naming import PRODUCTION, Environment, named
from safelight.placement import MB_PER_MIB, PROGRAM_MB
from safelight.recipe.check import Checked
from safelight.recipe.finding import Finding, Path
from safelight.recipe.overlap import check_overlap
from safelight.recipe.units import seconds
from safelight.settings import Settings
from safelight.variants import BY_ITSELF, Variant

ANY_ACCOUNT = "0" * 12
"""An account's number always has 12 digits, so lengths are known before the account is."""
MOST_ADDRESSES = 5
LONGEST_BUCKET = 63
LONGEST_FUNCTION = 64
LONGEST_DIGEST_S = 31 * 86400
LOG_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
"""Source: CloudWatch Logs API reference, PutRetentionPolicy."""
NOT_A_BUCKET = re.compile(
    r"(xn--|sthree-|amzn-s3-demo-).*|.*(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)|\d+(\.\d+){3}|.*(\.\.|\.-|-\.).*"
)
"""Source: Amazon S3 user guide, "General purpose bucket naming rules"."""

RULES = {
    "aws_seconds": "`limits.seconds` is above `aws.seconds`: the function would be ended before its picture is.",
    "aws_memory": "`limits.memory` is more than a function of `aws.memory` has for pictures.",
    "aws_log_days": "`aws.log_days` is no time that CloudWatch keeps logs for.",
    "aws_name": "The project's name gives names that AWS does not take: a stack's begins with a letter, a function's "
    "has at most 64 characters.",
    "bucket_name": "A bucket's name is too long (63 at most) or none that S3 takes.",
    "bucket_shared": "Two environments have the same bucket, or the stack would make a bucket that you bring.",
    "loop": "Outputs would be uploads again: input and output are one bucket and keys overlap.",
    "one_bucket": "Input and output are one bucket, with keys apart.",
    "too_many_addresses": "`notify.email` or `aws.alarms` has more than 5 addresses.",
    "digest_minutes": "`notify.digest` is no whole number of minutes, or more than 31 days.",
    "key_region": "The KMS key is in another region.",
    "replica_region": "`aws.replica` is the region itself.",
    "replica_bucket": "`aws.replica` with a bucket that you bring: the stack does not replicate what it does not own.",
}
"""Every finding about a deployment, by its code."""
WARNINGS = ("aws_memory", "one_bucket", "replica_bucket")

Fault = tuple[str, Path, str]
"""A code of `RULES`, the option, and what is wrong with it and what to do."""


class _Place(Struct, frozen=True):
    """An environment with the settings that it was named by."""

    settings: Settings
    names: Environment
    variant: Variant


def check_environments(found: Mapping[str, Variant]) -> Checked:
    """Return what is wrong with deploying each of the variants that has settings."""
    places = [_place(name, each) for name, each in found.items() if name != BY_ITSELF and each.settings]
    whole = found[BY_ITSELF]
    if whole.settings and not any(place.names.environment == PRODUCTION for place in places):
        places.append(_place(PRODUCTION, whole))
    notes = [(code, _finding(place, code, path, text)) for place in places for code, path, text in _faults(place)]
    notes += [("bucket_shared", finding) for finding in _shared(places)]
    common = {text for _, _, text in _faults(_place(PRODUCTION, whole))} if whole.settings else set[str]()
    unique = _once(notes, common)
    return Checked(
        errors=tuple(finding for code, finding in unique if code not in WARNINGS),
        warnings=tuple(finding for code, finding in unique if code in WARNINGS),
    )


def _place(name: str, variant: Variant) -> _Place:
    assert variant.settings  # noqa: S101 -- for mypy; whoever calls has looked
    return _Place(variant.settings, named(variant.settings, name, ANY_ACCOUNT), variant)


def _once(notes: list[tuple[str, Finding]], common: set[str]) -> list[tuple[str, Finding]]:
    """Return each note once; those of several environments or of the rest of the file name none."""
    groups: dict[tuple[str, int], list[tuple[str, Finding]]] = {}
    for code, finding in notes:
        groups.setdefault((finding.message, finding.line), []).append((code, finding))
    return [
        (code, finding if len(group) == 1 and finding.message not in common else replace(finding, where=""))
        for group in groups.values()
        for code, finding in group[:1]
    ]


def _finding(place: _Place, code: str, path: Path, message: str) -> Finding:
    where = f"environment {place.names.environment!r}"
    return replace(place.variant.source.finding(message, path, where), code=code)


def _faults(place: _Place) -> Iterator[Fault]:
    yield from _times(place)
    yield from _memory(place)
    yield from _names(place.names)
    yield from _buckets(place.names)
    yield from _one_bucket(place)
    yield from _addresses(place)
    yield from _regions(place.names)


def _times(place: _Place) -> Iterator[Fault]:
    limit, most = place.settings.limits.seconds, place.settings.aws.seconds
    if limit > most:
        option = ("limits", "seconds") if _is_written(place, "limits", "seconds") else ("aws", "seconds")
        yield "aws_seconds", option, f"limits.seconds={limit} is above aws.seconds={most}; lower it, or raise that"
    digest = place.settings.notify.digest
    if digest and seconds(digest) % 60:
        text = f"notify.digest={digest}; AWS starts it by whole minutes; write {-(-seconds(digest) // 60)}m"
        yield "digest_minutes", ("notify", "digest"), text
    if digest and seconds(digest) > LONGEST_DIGEST_S:
        yield "digest_minutes", ("notify", "digest"), f"notify.digest={digest}; on AWS at most 31d; lower it"
    days = place.settings.aws.log_days
    if days not in LOG_DAYS:
        near = next((each for each in LOG_DAYS if each > days), LOG_DAYS[-1])
        yield "aws_log_days", ("aws", "log_days"), f"aws.log_days={days}; CloudWatch has no such time; write {near}"


def _memory(place: _Place) -> Iterator[Fault]:
    limit, size_mib = place.settings.limits.memory, place.settings.aws.memory
    left = int(size_mib * MB_PER_MIB) - PROGRAM_MB
    if limit > left and _is_written(place, "limits", "memory"):
        enough = -(-int((limit + PROGRAM_MB) / MB_PER_MIB) // 64) * 64
        text = (
            f"limits.memory={limit}; a function of aws.memory={size_mib} has {left} MB for pictures; "
            f"raise aws.memory to {enough}, or lower it"
        )
        yield "aws_memory", ("limits", "memory"), text


def _is_written(place: _Place, *path: str) -> bool:
    return path in place.variant.source.lines


def _names(names: Environment) -> Iterator[Fault]:
    if not names.name[0].isalpha():
        text = f"name={names.name!r}; the name of a stack begins with a letter; so must this"
        yield "aws_name", ("name",), text
    longest = max((names.function, names.dead_letter_function, names.digest_function), key=len)
    if len(longest) > LONGEST_FUNCTION:
        over = len(longest) - LONGEST_FUNCTION
        text = (
            f"name={names.name!r}; the function's name {longest} would have {len(longest)} characters; at most 64 are "
        )
        yield "aws_name", ("name",), f"{text}allowed; shorten it by {over}"


def _buckets(names: Environment) -> Iterator[Fault]:
    both = (("input", names.input_bucket, names.owns_input), ("output", names.output_bucket, names.owns_output))
    for option, bucket, is_made in both:
        path: Path = ("name",) if is_made else ("aws", option)
        shown = f"name={names.name!r}; the bucket's name {bucket}" if is_made else f"aws.{option}={bucket!r};"
        if len(bucket) > LONGEST_BUCKET:
            over = len(bucket) - LONGEST_BUCKET
            text = (
                f"{shown} would have {len(bucket)} characters; at most 63 are allowed; shorten the project's by {over}"
            )
            yield "bucket_name", path, text
        elif NOT_A_BUCKET.fullmatch(bucket):
            allowed = (
                "S3 takes small letters, digits and single -, without its own beginnings and endings, as -s3alias is"
            )
            yield "bucket_name", path, f"{shown} is not allowed; {allowed}"


def _one_bucket(place: _Place) -> Iterator[Fault]:
    names = place.names
    if names.input_bucket != names.output_bucket:
        return
    path: Path = ("aws", "input" if names.owns_output else "output")
    shown = f"{'.'.join(map(str, path))}={names.input_bucket!r};"
    if names.owns_input or names.owns_output:
        made = "output" if names.owns_output else "input"
        yield "bucket_shared", path, f"{shown} is the bucket that the stack makes for its {made}; name another one"
        return
    try:
        check_overlap(place.settings.recipes, input=names.input_bucket, output=names.output_bucket)
    except InvalidRecipe as err:
        for fault in err.message.splitlines():
            yield "loop", path, f"{shown} the input's too, and a recipe would loop: {fault}; {err.remedy}"
    else:
        yield (
            "one_bucket",
            path,
            f"{shown} the input's too; each output is looked at again; a bucket of its own is better",
        )


def _addresses(place: _Place) -> Iterator[Fault]:
    alarms = place.settings.aws.alarms or ()
    for path, given in ((("notify", "email"), place.names.emails), (("aws", "alarms"), alarms)):
        if len(given) > MOST_ADDRESSES:
            text = f"{'.'.join(path)} has {len(given)} addresses; on AWS at most 5; write a mailing list's address"
            yield "too_many_addresses", path, text


def _regions(names: Environment) -> Iterator[Fault]:
    aws = names.aws
    key_region = aws.encryption.split(":")[3] if aws.encryption.startswith("arn:") else names.region
    if key_region != names.region:
        text = f"aws.encryption is a key in {key_region}; the stack is in {names.region}; name a key there"
        yield "key_region", ("aws", "encryption"), text
    if aws.replica == names.region:
        text = f"aws.replica={aws.replica} is the region itself; name another one, or remove it"
        yield "replica_region", ("aws", "replica"), text
    elif aws.replica:
        for option, is_made in (("input", names.owns_input), ("output", names.owns_output)):
            if not is_made:
                text = (
                    f"aws.replica leaves aws.{option}={getattr(aws, option)!r} out; replicate your own bucket yourself"
                )
                yield "replica_bucket", ("aws", "replica"), text


def _shared(places: list[_Place]) -> Iterator[Finding]:
    """Yield each bucket that an environment has in common with one before it."""
    told = set[tuple[str, str]]()
    for one, other in combinations(places, 2):
        theirs = {one.names.input_bucket, one.names.output_bucket}
        for option, bucket in (("input", other.names.input_bucket), ("output", other.names.output_bucket)):
            here = other.names.environment
            if bucket in theirs and (here, bucket) not in told:
                told.add((here, bucket))
                before = one.names.environment
                text = f"aws.{option}={bucket!r}; the environment {before!r} has this bucket too; give each its own"
                if bucket in (one.names.aws.input, one.names.aws.output):  # not by the names that a stack gives
                    alone = f"environments: {{{here}: {{aws: {{{option}: {bucket}}}}}}}"
                    text += f": for one environment alone write `{alone}`"
                yield _finding(other, "bucket_shared", ("aws", option), text)
