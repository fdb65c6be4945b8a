import pytest
import pyvips

from safelight.drawing import is_drawing

SVG = """<svg xmlns="http://www.w3.org/2000/svg" width="640" height="400">
<rect width="640" height="400" fill="{paper}"/>{marks}</svg>"""
BARS = "".join(
    f'<rect x="{30 + 70 * n}" y="{60 + 31 * n % 200}" width="40" height="{300 - 31 * n % 200}" fill="#{n}a{n}4c{n}"/>'
    for n in range(8)
)
LINES = "".join(
    f'<text x="10" y="{20 + 18 * n}" font-size="14" fill="#334">def line_{n}(self): return {n} * self.rate</text>'
    for n in range(20)
)


def drawn(marks: str, paper: str = "#fff") -> pyvips.Image:
    pyvips.operation_block_set("VipsForeignLoadSvg", state=False)  # the product shuts it until a recipe asks
    return pyvips.Image.svgload_buffer(SVG.format(marks=marks, paper=paper).encode()).flatten().copy_memory()


def photograph(*, sigma: float, plain: float = 0.0) -> pyvips.Image:
    """A scene as a sensor sees it: soft shapes and noise, the left part blown out to plain white."""
    scene = pyvips.Image.perlin(640, 400, cell_size=96, seed=3) * 90 + 120
    noisy = scene.bandjoin([scene * 0.8, scene * 0.6]) + pyvips.Image.gaussnoise(640, 400, sigma=sigma, mean=0, seed=5)
    white = pyvips.Image.black(max(1, int(640 * plain)), 400, bands=3) + 255
    return noisy.insert(white, 0, 0).cast("uchar").copy(interpretation="srgb").copy_memory()


@pytest.mark.parametrize(
    ("marks", "paper", "scale"),
    # Small text that was scaled is all edges: which font a machine has decides what it looks like.
    [(BARS, "#fff", 1), (BARS, "#fff", 0.5), (LINES, "#fff", 1), (LINES, "#1e1e2e", 1), ("", "#fff", 0.5)],
)
def test_is_drawing_charts_and_text_are_drawn(marks: str, paper: str, scale: float) -> None:
    """Charts, text and blank pages are drawings; flat ones also when they were scaled."""
    image = drawn(marks, paper)
    assert is_drawing(image if scale == 1 else image.resize(scale).copy_memory())


@pytest.mark.parametrize(("sigma", "plain"), [(1.0, 0.0), (6.0, 0.0), (2.0, 0.4)])
def test_is_drawing_photographs_are_not(sigma: float, plain: float) -> None:
    """Noise and soft shapes are a photograph, also with a large part blown out."""
    assert not is_drawing(photograph(sigma=sigma, plain=plain))


def test_is_drawing_smooth_gradient_is_not() -> None:
    """A gradient has no noise, yet lossy files of it are the smaller ones."""
    x, y = pyvips.Image.xyz(640, 400).bandsplit()
    sky = (x * 0.2 + y * 0.1).bandjoin([x * 0.1 + y * 0.3, 255 - x * 0.3])
    assert not is_drawing(sky.cast("uchar").copy(interpretation="srgb").copy_memory())


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1)])
def test_is_drawing_single_row_or_pixel_is_not(size: tuple[int, int]) -> None:
    """A picture without neighbours on both axes says nothing, and fails nothing."""
    assert not is_drawing(pyvips.Image.black(*size, bands=3))


def test_is_drawing_grey_and_alpha_are_read() -> None:
    """Any number of bands will do."""
    page = drawn(LINES)
    assert is_drawing(page[0].copy_memory())
    assert is_drawing(page.addalpha().copy_memory())


def test_is_drawing_dithered_scan_and_pixel_art_are() -> None:
    """Few levels are a drawing, though every pixel differs from its neighbour."""
    noise = pyvips.Image.gaussnoise(400, 300, sigma=60, mean=128, seed=4)
    assert is_drawing((noise > 128).copy_memory())
    levels = ((noise / 64).floor() * 64).cast("uchar")
    assert is_drawing(levels.bandjoin([levels, levels]).copy(interpretation="srgb").copy_memory())
