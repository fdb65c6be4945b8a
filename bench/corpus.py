"""The photographs: real ones from Debian's wallpaper packages, and phone-like ones made from them."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyvips
from msgspec import Struct
from PIL import Image

PACKAGES = ("lomiri-wallpapers-16.04", "lomiri-wallpapers-20.04", "mate-backgrounds")
AS_PACKAGED = (
    "Wine_by_Jakkub_Mede.jpg",
    "aitzgorri_by_Aitzol_Berasategi.jpg",
    "friends_by_Aitzol_Berasategi.jpg",
    "life_by_Aitzol_Berasategi.jpg",
    "picosdeeuropa_by_Aitzol_Berasategi.jpg",
    "Kleiber_by_Lukas_Baubkus.jpg",
    "Garden.jpg",
    "LadyBird.jpg",
    "TwoWings.jpg",
)
ORIENTATION = 274  # the EXIF tag
ENDINGS = (".jpg", ".jpeg", ".png", ".webp")


class Phone(Struct, frozen=True, kw_only=True):
    """A picture to be made as a phone would have: its source, its size as stored, its EXIF orientation."""

    source: str
    width: int
    height: int
    orientation: int

    @property
    def file(self) -> str:
        """What it is called in the corpus."""
        megapixels = round(self.width * self.height / 1e6)
        return f"phone-{megapixels}mp-o{self.orientation}-{self.source.partition('_')[0].lower()}.jpg"


PHONES = (
    Phone(source="Dragonfly_by_Bolly.jpg", width=4032, height=3024, orientation=6),
    Phone(source="Bridge_by_Sander_Klootwijk.jpg", width=4032, height=3024, orientation=1),
    Phone(source="sunset_by_Aitzol_Berasategi.jpg", width=4032, height=3024, orientation=8),
    Phone(source="seeding_by_Clements_Engelhardt.jpg", width=4032, height=3024, orientation=3),
    Phone(source="Kleiber_by_Lukas_Baubkus.jpg", width=5712, height=4284, orientation=6),
    Phone(source="Dragonfly_by_Bolly.jpg", width=5712, height=4284, orientation=1),
    Phone(source="seeding_by_Clements_Engelhardt.jpg", width=5712, height=4284, orientation=8),
)
TURNED_BACK = {3: "rot180", 6: "rot270", 8: "rot90"}
"""How the sensor sees an upright scene that EXIF's orientation will turn."""


MADE_FROM = ("Garden.jpg", "LadyBird.jpg", "Wine_by_Jakkub_Mede.jpg", "life_by_Aitzol_Berasategi.jpg", "TwoWings.jpg")
MADE_PX = 2560
"""The longer side of the PNG and WebP sources: pictures of a screen's size, as such files have."""


class CorpusError(Exception):
    """The photographs cannot be had on this machine; the message says what to do."""


class Photo(Struct, frozen=True, kw_only=True):
    """A photograph of the corpus, as stored."""

    file: str
    width: int
    height: int
    orientation: int
    progressive: bool
    size: int
    sha256: str


def photographs(cache: Path) -> list[Path]:
    """Return the corpus, fetched and made in the folder `cache` when it is not there yet.

    Raises:
        CorpusError
    """
    photos = cache / "photos"
    wanted = [photos / name for name in (*AS_PACKAGED, *(phone.file for phone in PHONES))]
    if not all(path.exists() for path in wanted):
        print(f"Preparing the photographs in {photos} ...")
        packaged = _packaged(cache)
        photos.mkdir(parents=True, exist_ok=True)
        for name in AS_PACKAGED:
            with _whole(photos / name) as part:
                shutil.copyfile(packaged[name], part)
        for phone in PHONES:
            with _whole(photos / phone.file) as part:
                _make(phone, packaged[phone.source], part)
    return wanted


def sources(cache: Path) -> dict[str, list[Path]]:
    """Return the pictures of each kind of source that jobs name, fetched and made when they are not there yet.

    Raises:
        CorpusError
    """
    photos = photographs(cache)
    return {
        "photos": photos,
        "few": photos[::3],
        "large": [path for path in photos if path.name.startswith("phone-24mp")],
        "png": [_converted(cache / "photos" / name, "png", compression=6) for name in MADE_FROM],
        "webp": [_converted(cache / "photos" / name, "webp", Q=90) for name in MADE_FROM],
    }


def _converted(photo: Path, kind: str, **options: int) -> Path:
    path = photo.with_suffix(f".{kind}")
    if not path.exists():
        image = pyvips.Image.thumbnail(str(photo), MADE_PX, height=MADE_PX, size="down").colourspace("srgb")
        with _whole(path) as part, part.open("wb") as file:
            file.write(image.write_to_buffer(f".{kind}", keep="none", **options))
    return path


def own(folder: Path) -> list[Path]:
    """Return the user's pictures in `folder`.

    Raises:
        CorpusError
    """
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)
    if not found:
        raise CorpusError(f"no picture in {folder}; wanted: files that end in {', '.join(ENDINGS)}")
    return found


def describe(path: Path) -> Photo:
    """Return what `path` is, so that a result names what it was measured on."""
    body = path.read_bytes()
    with Image.open(path) as image:
        return Photo(
            file=path.name,
            width=image.width,
            height=image.height,
            orientation=image.getexif().get(ORIENTATION, 1),
            progressive=bool(image.info.get("progressive")),
            size=len(body),
            sha256=hashlib.sha256(body).hexdigest(),
        )


def _packaged(cache: Path) -> dict[str, Path]:
    tree = cache / "tree"
    for package in PACKAGES:
        if not (tree / f"{package}.done").exists():
            _unpack(package, cache / "debs", tree)
    return {path.name: path for path in tree.rglob("*.jpg")}


def _unpack(package: str, debs: Path, tree: Path) -> None:
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise CorpusError(
            "the photographs are in Debian packages and there is no apt-get here; name a folder with --photos"
        )
    debs.mkdir(parents=True, exist_ok=True)
    fetched = subprocess.run(["apt-get", "download", package], cwd=debs, capture_output=True, text=True, check=False)
    if fetched.returncode:
        reason = fetched.stderr.strip().rpartition("\n")[2]
        raise CorpusError(
            f"apt-get could not download {package}: {reason}; "
            "run `apt-get update`, or name a folder of yours with --photos"
        )
    deb = max(debs.glob(f"{package}_*.deb"), key=lambda path: path.stat().st_mtime)
    subprocess.run(["dpkg", "-x", deb, tree], check=True)
    (tree / f"{package}.done").touch()


def _make(phone: Phone, source: Path, path: Path) -> None:
    """Crop and scale to the phone's shape, add a sensor's noise, turn it as the sensor lay, save as phones do."""
    upright = (phone.height, phone.width) if phone.orientation in (6, 8) else (phone.width, phone.height)
    image = pyvips.Image.thumbnail(str(source), upright[0], height=upright[1], size="both", crop="centre")
    # Scaled-up wallpapers are smooth; a phone's picture is not, and smooth ones would decode and encode too cheaply.
    noise = pyvips.Image.gaussnoise(image.width, image.height, sigma=3, mean=0, seed=phone.orientation)
    image = (image + noise).cast("uchar").copy(interpretation="srgb")
    if phone.orientation in TURNED_BACK:
        image = getattr(image.copy_memory(), TURNED_BACK[phone.orientation])()
    image = image.copy()
    for field in image.get_fields():
        if field.endswith("-data"):
            image.remove(field)
    image.set_type(pyvips.GValue.gint_type, "orientation", phone.orientation)
    image.jpegsave(str(path), Q=92, subsample_mode="on", optimize_coding=False, interlace=False)


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """Give another name to write to, and rename at the end: an interrupted run leaves no half photograph."""
    part = path.with_suffix(".part")
    yield part
    part.rename(path)
