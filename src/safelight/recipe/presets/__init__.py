"""Ready configuration files for `safelight init`, written to be read and changed."""

from importlib import resources

NAMES = ("web", "thumbs", "privacy")


def read(name: str) -> str:
    """Return the text of one of the presets `NAMES`."""
    return resources.files(__name__).joinpath(f"{name}.yaml").read_text(encoding="utf-8")
