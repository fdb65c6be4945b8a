"""The jobs: what every engine is asked to do with a picture."""

from typing import NamedTuple

# Named tuples, not msgspec structs: the peers import this too, and must not carry what they would not need.


class Output(NamedTuple):
    """One picture to make: upright, inside a square box, never enlarged, with the encoder's settings.

    `effort` is libvips': for AVIF, 9 less the encoder's speed; for PNG, zlib's level. PNG has no quality.
    """

    file: str
    box_px: int
    format: str
    quality: int
    effort: int


class Job(NamedTuple):
    """Some outputs of each picture of one kind of source: `photos`, `few`, `large`, `png` or `webp`."""

    name: str
    title: str
    source: str
    outputs: tuple[Output, ...]
    scored: Output


OUTPUTS = (
    Output("small.jpg", 320, "jpeg", 80, 0),
    Output("medium.webp", 1280, "webp", 80, 4),
    Output("large.jpg", 2048, "jpeg", 82, 0),
)
JPEG = Output("one.jpg", 1280, "jpeg", 80, 0)
AVIF = Output("one.avif", 1280, "avif", 63, 1)
PNG = Output("one.png", 1280, "png", 0, 6)
WEBP = Output("one.webp", 1280, "webp", 80, 4)

JOB_A = Job("a", "Job A: 320 px JPEG, 1280 px WebP, 2048 px JPEG of a photograph", "photos", OUTPUTS, OUTPUTS[1])
JOBS = {
    job.name: job
    for job in (
        JOB_A,
        Job("jpeg", "One 1280 px JPEG of a photograph", "photos", (JPEG,), JPEG),
        Job("avif", "One 1280 px AVIF of a photograph", "few", (AVIF,), AVIF),
        Job("png", "One 1280 px PNG of a PNG", "png", (PNG,), PNG),
        Job("webp", "One 1280 px WebP of a WebP", "webp", (WEBP,), WEBP),
        Job("24mp", "Job A of a 24 MP photograph", "large", OUTPUTS, OUTPUTS[1]),
    )
}

SETTINGS = {
    "geometry": "turned upright by EXIF; inside a square box of 320, 1280 and 2048 px; never enlarged; Lanczos, a = 3",
    "jpeg": "quality 80 (320 px) and 82 (2048 px), 4:2:0, baseline, standard Huffman and quantization tables",
    "webp": "quality 80 (1280 px), lossy, effort (method) 4, no sharp chroma, preset default",
    "metadata": "stripped; no photograph of the corpus carries an ICC profile",
    "work": "from a file on disk to three files on disk, nothing flushed; decode, resize and encode all counted",
    "threads": "1 where the engine can be told; `sharp, together` keeps sharp's defaults",
}
ALL_SETTINGS = {
    **SETTINGS,
    "jpeg": "quality 80, and 82 at 2048 px; 4:2:0, baseline, standard Huffman and quantization tables "
    "(thumbor always optimizes its Huffman tables)",
    "webp": "quality 80, lossy, effort (method) 4, no sharp chroma, preset default",
    "avif": "quality 63, 4:2:0, 8 bit, effort 1 (speed 8); ImageMagick 6 cannot be told a speed",
    "png": "zlib's level 6, each engine's own row filters; 8-bit RGB without alpha",
    "work": "from a file on disk to files on disk, nothing flushed; decode, resize and encode all counted",
    "threads": "1 where the engine can be told",
}
