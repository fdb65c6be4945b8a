"""Names that outputs may not have, beyond what the store's contract refuses."""

import pytest

from safelight.errors import InvalidKey
from safelight.local.keys import parts_of, portable_parts_of


@pytest.mark.parametrize(
    "key",
    ["con", "a/CON.jpg", "nul.tar.gz", "Aux", "com1.webp", "lpt9", "com¹", "a./b", "a /b", "b.", "b ", "a\\b", "a\nb",
     "a\x7fb", "\x1b[31m"],
)  # fmt: skip
def test_unportable_output_key_is_refused_but_can_be_read(key: str) -> None:
    """An output must be a file on every system; a picture that already has such a name is read all the same."""
    with pytest.raises(InvalidKey):
        portable_parts_of(key)
    assert "/".join(parts_of(key)) == key


@pytest.mark.parametrize("key", [".safelight/safelight.db", "a/.safelight-tmp-1", "b/" + "x" * 256, "é" * 128])
def test_own_or_overlong_name_is_refused_for_reading_too(key: str) -> None:
    """Safelight's own files are no objects, and no disk holds a name of more than 255 bytes."""
    with pytest.raises(InvalidKey):
        parts_of(key)


@pytest.mark.parametrize("key", ["console.jpg", "com10.jpg", "a.b/..c", "x" * 255, ".thumbs/a.webp", "a: b?.jpg", "…"])
def test_ordinary_key_is_split_at_its_slashes(key: str) -> None:
    """What only looks like a forbidden name is taken."""
    assert portable_parts_of(key) == key.split("/")
