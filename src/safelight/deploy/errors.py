"""What packaging and deploying cannot do; each ends the command that met it."""

from safelight.errors import SafelightError

FIRST_FAILED = "`safelight deploy`, without --dry-run, deletes what is left and starts anew; it then shows the plan."
STUCK = {
    "DELETE_FAILED": "Solve what the reason names, and run `safelight destroy` again; then deploy.",
    "IMPORT_ROLLBACK_FAILED": "Solve what the reason names, and delete the stack at AWS: buckets and table are kept.",
    "UPDATE_ROLLBACK_FAILED": "Solve what the reason names and deploy again, or skip the resource: "
    "`aws cloudformation continue-update-rollback --resources-to-skip`.",
    **dict.fromkeys(("ROLLBACK_FAILED", "ROLLBACK_COMPLETE"), FIRST_FAILED),
}
"""What to do about states that nothing can be deployed in."""
ENDINGS = {
    **STUCK,
    "ROLLBACK_COMPLETE": "Nothing of it runs. Solve what the reason names and deploy again: that deletes what is left, "
    "and takes back buckets and table.",
    "UPDATE_ROLLBACK_COMPLETE": "What ran before runs on, unchanged. Solve what the reason names and deploy again.",
}
"""The same when a command has just brought the stack there."""


class DeployError(SafelightError):
    """A command that packages, deploys or looks after a deployment cannot go on."""

    code, status = "cannot_deploy", 500
    default_remedy = "Read the message; `safelight doctor --aws` checks the account."


class NoPip(DeployError):
    """The Python that Safelight runs on has no pip, which fetches what a package holds."""

    code, status = "no_pip", 500
    default_remedy = "Run `python -m ensurepip` with Safelight's Python, or install Safelight by pip."


class DependenciesUnavailable(DeployError):
    """pip could not fetch or build what a package holds."""

    code, status = "dependencies_unavailable", 502
    default_remedy = "See that this machine reaches its package index (pip config list shows which); then try again."


class PackageBroken(DeployError):
    """A package would not run: something is missing, twice there, or for another processor."""

    code, status = "package_broken", 500
    default_remedy = "Report this with the output of `safelight doctor --json`."


class PackageTooLarge(DeployError):
    """A package has more bytes than Lambda takes."""

    code, status = "package_too_large", 413
    default_remedy = "Use smaller logos and fonts."


class NoLogs(DeployError):
    """A function has no log group: it never ran, or its stack is gone."""

    code, status = "no_logs", 404
    default_remedy = "Try it with `safelight smoke ENV`; `safelight outputs ENV` tells whether the stack is there."


class OutputUnwritable(DeployError):
    """The file that a command is to write cannot be written there."""

    code, status = "output_unwritable", 400
    default_remedy = "Make the folder, or name another file."


class NoCredentials(DeployError):
    """There is nothing to sign requests to AWS with."""

    code, status = "no_credentials", 401
    default_remedy = "Run `aws configure sso` (or `aws configure`), or set AWS_PROFILE; CI takes a role by OIDC."


class ExpiredCredentials(DeployError):
    """What signs requests to AWS is too old."""

    code, status = "expired_credentials", 401
    default_remedy = "Log in again: `aws sso login`, or get new session keys; then try again."


class BadCredentials(DeployError):
    """AWS does not accept what requests are signed with."""

    code, status = "bad_credentials", 401
    default_remedy = "Check key and secret (`aws sts get-caller-identity`), and this machine's clock (`date -u`)."


class RegionDisabled(DeployError):
    """The account does not use the region."""

    code, status = "region_disabled", 400
    default_remedy = "Enable it (console: Account, AWS Regions), or name another as `region:` in safelight.yaml."


class AwsUnreachable(DeployError):
    """AWS does not answer."""

    code, status = "aws_unreachable", 502
    default_remedy = "Check `region:` in safelight.yaml, the network, HTTPS_PROXY and AWS_ENDPOINT_URL; then try again."


class NotPermitted(DeployError):
    """The credentials are good, and may not do this."""

    code, status = "not_permitted", 403
    default_remedy = "Have the action allowed to that principal, or use another profile (AWS_PROFILE)."


class AwsRefused(DeployError):
    """AWS refused something for a reason that only it can explain."""

    code, status = "aws_refused", 502
    default_remedy = "Read what AWS says, then try again; `safelight doctor --aws ENV` checks account and stack."


class NotDeployed(DeployError):
    """An environment has no stack, or one that holds nothing yet."""

    code, status = "not_deployed", 404
    default_remedy = "Deploy it: `safelight deploy ENV`."


class BucketTaken(DeployError):
    """The name of a bucket is in use by somebody else."""

    code, status = "bucket_taken", 409
    default_remedy = "Take names that nobody else has: `names: {suffix: account}` in safelight.yaml."


class BucketUnusable(DeployError):
    """A bucket that safelight.yaml names cannot serve the stack."""

    code, status = "bucket_unusable", 409
    default_remedy = "Name a bucket in the stack's region, set `region:` to the bucket's, or let the stack make one."


class TableTaken(DeployError):
    """A table that no stack of this name made has the name of the table for jobs."""

    code, status = "table_taken", 409
    default_remedy = (
        "Take another name (`name:` in safelight.yaml), or move its data to a table of another name and delete it."
    )


class ArtifactsUnavailable(DeployError):
    """The bucket for packages cannot be made or used."""

    code, status = "artifacts_unavailable", 403
    default_remedy = "Have the calls allowed that docs/howto/deploy.md lists. If the name is somebody else's, tell AWS."


class ChangeSetFailed(DeployError):
    """CloudFormation refuses what is to be done to a stack; nothing was changed."""

    code, status = "change_set_failed", 400
    default_remedy = "Solve what AWS names; nothing was changed."


class DeployInProgress(DeployError):
    """Two commands change one stack at the same time."""

    code, status = "deploy_in_progress", 409
    default_remedy = "Run the command again: it waits for the other one, and shows what is left to do."


class StackStuck(DeployError):
    """A stack is in a state in which nothing can be deployed."""

    code, status = "stack_stuck", 409


class DeployFailed(DeployError):
    """CloudFormation began to change a stack, and could not."""

    code, status = "deploy_failed", 500


class ResourceGone(DeployFailed):
    """What a stack made was deleted by hand, and CloudFormation does not notice."""

    code, status = "resource_gone", 500


class DataKept(DeployError):
    """Data that is to be deleted cannot be."""

    code, status = "data_kept", 409
    default_remedy = "A lock or policy keeps it: lift that, and run the same command again; it goes on from there."


class PricesUnreadable(DeployError):
    """A file of prices cannot be read, or says what cannot be."""

    code, status = "prices_unreadable", 400
    default_remedy = "Compare it with the file that `safelight cost --refresh` writes."


class NoRate(DeployError):
    """A rate is no number for a time."""

    code, status = "no_rate", 400
    default_remedy = "Write it as 1000/s, 5/min, 200/h, 10000/day or 1e6/month."
