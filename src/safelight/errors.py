"""Every failure that Safelight names: a stable code, whether another try can help, and what to do."""

from typing import ClassVar


class SafelightError(Exception):
    """Something went wrong that we know by name.

    The message says what, where and what is allowed; `remedy` says what to do. Neither carries a bucket, an
    absolute path or a stack: they are shown to whoever sent the picture.
    """

    code: ClassVar[str] = "internal"
    retry: ClassVar[bool] = False
    status: ClassVar[int] = 500
    default_remedy: ClassVar[str] = "Report this: it is a fault of Safelight."

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy or self.default_remedy

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross from a worker process to the service; keyword arguments do not survive the default pickling.
        return (_rebuild, (type(self), self.message, self.remedy), vars(self))


def _rebuild(kind: type[SafelightError], message: str, remedy: str) -> SafelightError:
    return kind(message, remedy=remedy)


# The input's fault: final, the outcome is `rejected`.


class Empty(SafelightError):
    """The upload has no bytes."""

    code, status = "empty", 422
    default_remedy = "Upload the picture again."


class UnknownFormat(SafelightError):
    """The bytes are no picture of a known format, whatever the name says."""

    code, status = "unknown_format", 422
    default_remedy = "Upload a JPEG, PNG, WebP, AVIF, GIF, TIFF or HEIC file."


class FormatNotEnabled(SafelightError):
    """A known format that this installation or recipe does not read."""

    code, status = "format_not_enabled", 422
    default_remedy = "Convert the picture to JPEG, PNG, WebP, AVIF, GIF, TIFF or HEIC."


class Truncated(SafelightError):
    """The file ends before the picture does."""

    code, status = "truncated", 422
    default_remedy = "Upload the whole file again: its end is missing."


class Corrupt(SafelightError):
    """The file is whole but its contents do not decode."""

    code, status = "corrupt", 422
    default_remedy = "Export the picture again from its original."


class Unsafe(SafelightError):
    """The file holds scripts or refers to something outside of it."""

    code, status = "unsafe", 422
    default_remedy = "Export it as plain SVG, without document type, scripts and links; or convert it to PNG."


class TooManyPixels(SafelightError):
    """Width times height times frames is over the limit."""

    code, status = "too_many_pixels", 422
    default_remedy = "Make the picture smaller, or raise limits.pixels."


class TooManyFrames(SafelightError):
    """An animation has more frames than the limit."""

    code, status = "too_many_frames", 422
    default_remedy = "Shorten the animation, or raise limits.frames."


class TooLarge(SafelightError):
    """The file has more bytes than the limit."""

    code, status = "too_large", 413
    default_remedy = "Make the file smaller, or raise limits.megabytes."


class CannotMeetSize(SafelightError):
    """Not even the lowest quality makes the rendition as small as its max_bytes."""

    code, status = "cannot_meet_size", 422
    default_remedy = "Give the rendition a smaller resize, or raise max_bytes."


class SizeNotEncodable(SafelightError):
    """A rendition is wider or higher than its format can hold."""

    code, status = "size_not_encodable", 422
    default_remedy = "Give the rendition a smaller resize, or another format."


class KeyConflict(SafelightError):
    """The key of an output is taken by the output of another upload, or by a file that is not ours."""

    code, status = "key_conflict", 409
    default_remedy = "Put {filename} or {ext} into the key template, or move the file that is in the way."


class InvalidKey(SafelightError):
    """A key that no store may be asked for: it is absolute, leaves the folder, or is over-long or reserved."""

    code, status = "invalid_key", 422
    default_remedy = "Rename the upload."


class NotFound(SafelightError):
    """The object is not there (any more)."""

    code, status = "not_found", 404
    default_remedy = "Upload it again."


# The configuration's or the caller's fault.


class InvalidRecipe(SafelightError):
    """The configuration file is wrong; the message holds every error of the file."""

    code, status = "invalid_recipe", 400
    default_remedy = "Mend the lines named above; `safelight lint` checks the file."


class InvalidMessage(SafelightError):
    """A queue message or event that is not of a known shape."""

    code, status = "invalid_message", 400
    default_remedy = "Send one of the shapes of docs/reference/messages.md."


class InUse(SafelightError):
    """Another service already runs on this project folder."""

    code, status = "in_use", 409
    default_remedy = "Stop the other service first, or use another project folder."


class NewerProject(SafelightError):
    """The project folder was last used by a newer Safelight, whose records this one cannot read."""

    code, status = "newer_project", 409
    default_remedy = "Upgrade Safelight, or use another project folder."


# Ours, or the world's: another try may help; after the last one the outcome is `failed`.


class Timeout(SafelightError):
    """Developing took longer than the limit."""

    code, status, retry = "timeout", 504, True
    default_remedy = "Raise limits.seconds, or make the picture smaller; then `safelight replay`."


class OutOfMemory(SafelightError):
    """Developing needed more memory than the limit."""

    code, status, retry = "out_of_memory", 507, True
    default_remedy = "Raise limits.memory, or make the picture smaller; then `safelight replay`."


class WorkerCrashed(SafelightError):
    """The process that developed the picture died."""

    code, status, retry = "worker_crashed", 500, True
    default_remedy = "Report this with the picture, if you can; then `safelight replay`."


class DeadLetter(SafelightError):
    """The message was given up: the function was ended at each delivery, or the message never got there."""

    code, status, retry = "dead_letter", 500, True
    default_remedy = "See the function's log; if it ran out of memory, raise aws.memory; then `safelight replay`."


class EncodeFailed(SafelightError):
    """The picture decodes, yet an output of it could not be made."""

    code, status, retry = "encode_failed", 500, True
    default_remedy = "Report this with the picture, if you can; then `safelight replay`."


class Denied(SafelightError):
    """The store refused access."""

    code, status, retry = "denied", 403, True
    default_remedy = "Give Safelight permission to read the input and write the output; then `safelight replay`."


class DiskFull(SafelightError):
    """There is no room left to write to."""

    code, status, retry = "disk_full", 507, True
    default_remedy = "Free some space; then `safelight replay`."


class Unavailable(SafelightError):
    """A service that we need (store, ledger, queue, mail) did not answer or answered with a passing fault."""

    code, status, retry = "unavailable", 503, True
    default_remedy = "Wait; Safelight tries again by itself."


class OutOfTime(Unavailable):
    """Those before it took the time of this invocation; nothing is known against the picture."""

    code = "out_of_time"


class ResourceMissing(Unavailable):
    """A table, queue or topic that the configuration names is not there."""

    code = "resource_missing"
    default_remedy = "Deploy again, or correct its name; then `safelight replay`."


class Busy(Unavailable):
    """Another worker holds the claim on this key; `retry_after_s` tells when its lease ends at the latest."""

    code = "busy"

    def __init__(self, message: str, *, remedy: str = "", retry_after_s: float = 0.0) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after_s = retry_after_s


class LostLease(Unavailable):
    """Our claim ended while we worked and another worker took it: our result does not count."""

    code = "lost_lease"


# Signals of the spine: they end a job, and nobody is to blame.


class Superseded(SafelightError):
    """A newer version of the key won."""

    code, status = "superseded", 409
    default_remedy = "Nothing to do: the newer version is developed instead."


class Conflict(SafelightError):
    """A conditional put found something else at its key than expected."""

    code, status, retry = "conflict", 409, True
    default_remedy = "Nothing to do: Safelight looks again."
