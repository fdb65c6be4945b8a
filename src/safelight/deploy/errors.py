"""What packaging and deploying cannot do; each ends the command that met it."""

from safelight.errors import SafelightError


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


class OutputUnwritable(DeployError):
    """The file that a command is to write cannot be written there."""

    code, status = "output_unwritable", 400
    default_remedy = "Make the folder, or name another file."
