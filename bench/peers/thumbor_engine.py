"""A job with thumbor's own engine and settings, without its HTTP server: each output is a request, and decodes anew."""

from pathlib import Path

# In an environment of its own.
import thumbor  # type: ignore[import-not-found]
from thumbor.config import Config  # type: ignore[import-not-found]
from thumbor.context import Context  # type: ignore[import-not-found]
from thumbor.engines.pil import Engine  # type: ignore[import-not-found]

from bench.job import Output
from bench.peers.serve import Outputs, serve


def develop(photo: Path, out: Path, outputs: Outputs) -> None:
    """Write the outputs of `photo` to the folder `out`."""
    for output in outputs:
        (out / output.file).write_bytes(_request(photo, output))


def _request(photo: Path, output: Output) -> bytes:
    config = Config(
        RESPECT_ORIENTATION=True,
        PROGRESSIVE_JPEG=False,
        AVIF_CODEC="auto",
        AVIF_SPEED=9 - output.effort,
        PNG_COMPRESSION_LEVEL=output.effort,
    )
    engine = Engine(Context(None, config, None))
    engine.load(photo.read_bytes(), photo.suffix)
    engine.reorientate()
    width, height = engine.size
    scale = min(1.0, output.box_px / max(width, height))
    engine.resize(round(width * scale), round(height * scale))
    body: bytes = engine.read(Path(output.file).suffix, output.quality or None)
    return body


if __name__ == "__main__":
    serve(develop, {"thumbor": thumbor.__version__})
