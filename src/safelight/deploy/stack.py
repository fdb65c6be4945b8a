"""Stacks of CloudFormation: their state, the change sets that alter them, and what they put out."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError
from msgspec import Struct

from safelight.deploy import errors, progress
from safelight.deploy.account import Account, code_of, explained

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import StackEventTypeDef as Event
    from types_boto3_cloudformation.type_defs import StackTypeDef

Kind = Literal["CREATE", "UPDATE", "IMPORT"]
FAILED = "its first deployment failed (`deploy --dry-run` says why), and nothing of it runs"
EMPTY = {
    "REVIEW_IN_PROGRESS": "nothing of it was made yet",
    "ROLLBACK_COMPLETE": FAILED,
    "ROLLBACK_FAILED": FAILED,
}
"""States in which a stack holds nothing that works, and what they mean."""
FIRST_FAILED = ("delete_stack", "The first deployment of {} had failed; deleting what is left of it")
REPAIRS = {
    **dict.fromkeys(("ROLLBACK_COMPLETE", "ROLLBACK_FAILED"), FIRST_FAILED),
    "UPDATE_ROLLBACK_FAILED": ("continue_update_rollback", "A rollback of {} had failed; going on with it"),
}
NOTHING = ("The submitted information didn't contain changes", "No updates are to be performed")
"""How AWS begins to say that a change set is empty: there is no code for it; the AWS CLI looks for the same words."""


class Wanted(Struct, frozen=True, kw_only=True):
    """A stack as it is to be. `template` is create_change_set's TemplateBody or TemplateURL.

    `retained` are the logical ids of what is kept when it is replaced.
    """

    name: str
    template: Mapping[str, str]
    parameters: Mapping[str, str]
    tags: Mapping[str, str] = {}
    imports: Sequence[Any] = ()
    retained: Sequence[str] = ()


class ChangeSet(Struct, frozen=True, kw_only=True):
    """What CloudFormation would do to a stack."""

    name: str
    stack: str
    changes: tuple[Any, ...] = ()


class Stacks(Struct, frozen=True, kw_only=True):
    """The stacks of an account in a region.

    `watch` shows what is done to one, by its title and events, and returns the events; `pause` waits for seconds.
    """

    cloudformation: Any
    watch: Callable[[str, Iterator[Event]], list[Event]]
    pause: progress.Pause

    def ready(self, name: str, *, repair: bool = True) -> Kind:
        """Wait for what others do to a stack, and get it out of a state in which nothing can be deployed.

        Args:
            name: of the stack.
            repair: delete what a failed first deployment left, and go on with a rollback that failed.

        Returns:
            What a change set of it has to be.

        Raises:
            StackStuck
        """
        repaired = False
        while found := self._settled(name):
            status, stack_id = found["StackStatus"], found["StackId"]
            if status == "REVIEW_IN_PROGRESS":
                return "CREATE"  # a change set was made, and never executed
            if status in REPAIRS and repair and not repaired:
                repaired = True
                call, title = REPAIRS[status]
                repairing = partial(getattr(self.cloudformation, call), StackName=stack_id)
                self._watched(stack_id, title.format(name), repairing)
            elif status in errors.STUCK:
                raise errors.StackStuck(f"{name} is {status}: {self._reason(found)}", remedy=errors.STUCK[status])
            else:
                return "UPDATE"
        return "CREATE"

    def propose(self, wanted: Wanted, kind: Kind) -> ChangeSet | None:
        """Ask CloudFormation what it would do; None when that is nothing. Whoever asked discards it or executes it.

        Raises:
            ChangeSetFailed
        """
        made = ChangeSet(name=f"safelight-{uuid.uuid4().hex[:12]}", stack=wanted.name)
        extra = {"ResourcesToImport": wanted.imports} if kind == "IMPORT" else {"Tags": _pairs("", wanted.tags)}
        try:
            self.cloudformation.create_change_set(
                StackName=made.stack,
                ChangeSetName=made.name,
                ChangeSetType=kind,
                Capabilities=["CAPABILITY_NAMED_IAM"],
                Parameters=_pairs("Parameter", wanted.parameters),
                **wanted.template,
                **extra,
            )
            status, reason, changes = self._described(made)
        except BaseException:
            self.discard(made)
            raise
        if status == "FAILED":
            self.discard(made)
            if reason.startswith(NOTHING):
                return None
            raise errors.ChangeSetFailed(f"CloudFormation cannot do this to {wanted.name}: {reason}")
        return ChangeSet(name=made.name, stack=made.stack, changes=changes)

    def discard(self, made: ChangeSet) -> None:
        """Delete a change set, and the empty stack that CloudFormation made for it."""
        try:
            self.cloudformation.delete_change_set(StackName=made.stack, ChangeSetName=made.name)
        except ClientError as err:
            if code_of(err) not in ("ChangeSetNotFound", "ValidationError"):
                raise
        found = find(self.cloudformation, made.stack)
        if found and found["StackStatus"] == "REVIEW_IN_PROGRESS":
            others = self.cloudformation.list_change_sets(StackName=made.stack)["Summaries"]
            if all(each["ChangeSetName"] == made.name for each in others):
                self.cloudformation.delete_stack(StackName=made.stack)

    def execute(self, made: ChangeSet, title: str) -> None:
        """Do what a change set says.

        Raises:
            DeployInProgress: another command was faster.
            DeployFailed
        """

        def start() -> None:
            try:
                self.cloudformation.execute_change_set(StackName=made.stack, ChangeSetName=made.name)
            except ClientError as err:
                if code_of(err) not in ("InvalidChangeSetStatus", "ChangeSetNotFound"):
                    raise
                raise errors.DeployInProgress(f"another command changed {made.stack} after this plan was made") from err

        self._finished(self._watched(made.stack, title, start))

    def delete(self, name: str, title: str) -> None:
        """Delete a stack, and wait until it is gone.

        Raises:
            DeployFailed
        """
        if found := self._settled(name):
            deleting = partial(self.cloudformation.delete_stack, StackName=found["StackId"])
            if found["StackStatus"] == "REVIEW_IN_PROGRESS":
                deleting()  # it ends without an event
            else:
                self._finished(self._watched(found["StackId"], title, deleting))

    def held(self, name: str) -> set[str]:
        """Return the physical ids of what a stack has."""
        pages = self.cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
        return {each.get("PhysicalResourceId", "") for page in pages for each in page["StackResourceSummaries"]}

    def _settled(self, name: str) -> StackTypeDef | None:
        """Return a stack when nothing is being done to it any more; None when it is gone."""
        while (found := find(self.cloudformation, name)) and found["StackStatus"] != "REVIEW_IN_PROGRESS":
            if not found["StackStatus"].endswith("_IN_PROGRESS"):
                break
            events = progress.follow(self.cloudformation, found["StackId"], pause=self.pause)
            self.watch(f"{name} is {found['StackStatus']}, by a command before this one; waiting for it", events)
        return found

    def _reason(self, found: StackTypeDef) -> str:
        """Return why a stack is in its state; where CloudFormation has nothing with it, the events tell."""
        if reason := found.get("StackStatusReason"):
            return reason
        failed = progress.cause(progress.follow(self.cloudformation, found["StackId"], pause=self.pause))
        return _why(failed) if failed else "no reason given"

    def _watched(self, stack: str, title: str, start: Callable[[], object]) -> list[Event]:
        found = find(self.cloudformation, stack)
        stack_id = found["StackId"] if found else stack
        after = progress.latest(self.cloudformation, stack_id)
        start()
        return self.watch(title, progress.follow(self.cloudformation, stack_id, after, pause=self.pause))

    def _finished(self, events: Sequence[Event]) -> None:
        status = events[-1]["ResourceStatus"]
        if status not in progress.SUCCESSES:
            remedy = errors.ENDINGS.get(status, "Look at the stack's events at AWS.")
            raise errors.DeployFailed(
                f"{_why(progress.cause(events) or events[-1])}; the stack is {status} now", remedy=remedy
            )

    def _described(self, made: ChangeSet) -> tuple[str, str, tuple[Any, ...]]:
        while True:
            words = {"StackName": made.stack, "ChangeSetName": made.name, "IncludePropertyValues": True}
            pages = list(self.cloudformation.get_paginator("describe_change_set").paginate(**words))
            if not pages[0]["Status"].startswith("CREATE_") or pages[0]["Status"] == "CREATE_COMPLETE":
                changes = tuple(each["ResourceChange"] for page in pages for each in page["Changes"])
                return pages[0]["Status"], pages[0].get("StatusReason", ""), changes
            self.pause(progress.FIRST_PAUSE_S)


def find(cloudformation: Any, name: str) -> StackTypeDef | None:
    """Return a stack by its name or id; None when there is none of that name."""
    try:
        found: StackTypeDef = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as err:
        # A valid name gives this for one reason alone: there is no such stack.
        if code_of(err) != "ValidationError":
            raise
        return None
    return found


def outputs(account: Account, stack_name: str, environment: str = "ENV") -> dict[str, str]:
    """Return what a stack puts out: names and addresses of what it made.

    Args:
        account: the account.
        stack_name: the stack.
        environment: the name of its environment, for what to do without it.

    Raises:
        NotDeployed: there is no such stack, or it holds nothing.
        DeployError: AWS cannot be asked.
    """
    with explained(account):
        found = find(account.client("cloudformation"), stack_name)
    deploying = f"`safelight deploy {environment}`"
    if found is None or found["StackStatus"] == "DELETE_COMPLETE":
        where = f"there is no stack {stack_name} in {account.region} of account {account.id}"
        raise errors.NotDeployed(where, remedy=f"Deploy it: {deploying}.")
    if why := EMPTY.get(found["StackStatus"]):
        remedy = f"{deploying} clears it away and begins anew."
        raise errors.NotDeployed(f"the stack {stack_name} is {found['StackStatus']}: {why}", remedy=remedy)
    return {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}


def _why(failed: Event) -> str:
    why = failed.get("ResourceStatusReason", "no reason given").rstrip(". ")
    return f"{failed['LogicalResourceId']} ({failed['ResourceType']}) failed: {why}"


def _pairs(kind: str, values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{f"{kind}Key": key, f"{kind}Value": value} for key, value in values.items()]
