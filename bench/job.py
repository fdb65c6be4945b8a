"""Job A: what every engine is asked to do with every photograph."""

from typing import NamedTuple

# Named tuples, not msgspec structs: the peers import this too, and must not carry what they would not need.


class Output(NamedTuple):
    """One picture to make: upright, inside a square box, never enlarged, with the encoder's settings."""

    file: str
    box_px: int
    format: str
    quality: int
    effort: int


OUTPUTS = (
    Output("small.jpg", 320, "jpeg", 80, 0),
    Output("medium.webp", 1280, "webp", 80, 4),
    Output("large.jpg", 2048, "jpeg", 82, 0),
)
SCORED = OUTPUTS[1]

SETTINGS = {
    "geometry": "turned upright by EXIF; inside a square box of 320, 1280 and 2048 px; never enlarged; Lanczos, a = 3",
    "jpeg": "quality 80 (320 px) and 82 (2048 px), 4:2:0, baseline, standard Huffman and quantization tables",
    "webp": "quality 80 (1280 px), lossy, effort (method) 4, no sharp chroma, preset default",
    "metadata": "stripped; no photograph of the corpus carries an ICC profile",
    "work": "from a file on disk to three files on disk, nothing flushed; decode, resize and encode all counted",
    "threads": "1 where the engine can be told; `sharp, together` keeps sharp's defaults",
}
