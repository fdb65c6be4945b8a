"""One example for each step: what is developed, how, and what is good to know of the step."""

from __future__ import annotations

from textwrap import indent

from msgspec import Struct

from safelight.recipe.model import Step


class Example(Struct, frozen=True, kw_only=True):
    """The example of a step: each of the `uploads` is developed once for each of the `options`.

    `uploads` are names in `docs.make.sources`, `options` the lines of a rendition below its key, `facts` what no table
    of options says.
    """

    step: Step
    uploads: tuple[str, ...]
    options: tuple[str, ...]
    facts: tuple[str, ...]

    @property
    def recipe(self) -> str:
        """The whole file `safelight.yaml` that makes the picture."""
        outputs = "".join(
            f'      - key: "{{dir}}{{filename}}-{number}.png"\n{indent(lines, " " * 8)}\n'
            for number, lines in enumerate(self.options, 1)
        )
        return f"recipes:\n  - name: {self.step}\n    renditions:\n{outputs}"


ALPHA_WHERE_CLEAR = "A clear background gives the picture alpha; JPEG has none, and shows it white."
FIRST_FRAME = "Of an animation, the first frame decides for all, so that nothing jumps."

EXAMPLES = (
    Example(
        step="trim",
        uploads=("scan", "logo"),
        options=("trim: {}", "trim: {threshold: 60}"),
        facts=(
            (
                "A single noisy pixel does not stop it: a median of 3 x 3 pixels is looked at. For drawings with "
                "hairlines say `line_art: true`."
            ),
            (
                "Where the corner is clear, what is clear is cut off; `threshold` is then one of alpha, as for the "
                "soft shadow of the logo here."
            ),
            "A picture that is all border stays whole.",
            FIRST_FRAME,
            "The whole picture is held in memory, as its last row may decide on the first pixel.",
        ),
    ),
    Example(
        step="crop",
        uploads=("night", "flowers"),
        options=(
            "crop: {left: 50%, top: 5%, width: 45%, height: 60%}",
            'crop: {aspect: "1:1"}',
            'crop: {aspect: "1:1", position: east}',
            'crop: {aspect: "1:2", position: "0.77,0.3"}',
            'crop: {aspect: "1:2", position: entropy}',
            'crop: {aspect: "1:2", position: attention}',
        ),
        facts=(
            "A box that reaches over the picture's edge is cut there; at least one pixel is left.",
            (
                "`entropy` keeps the part with the most detail, `attention` the one with what the eye goes to "
                "first: skin, strong colors, edges."
            ),
            (
                "`crop` with `resize` after it costs no more than `resize` alone: the picture is decoded small, and"
                " both are one cut."
            ),
            f"With `entropy` and `attention`: {FIRST_FRAME[0].lower()}{FIRST_FRAME[1:]}",
        ),
    ),
    Example(
        step="resize",
        uploads=("flowers",),
        options=(
            "resize: {width: 160}",
            "resize: {width: 160, height: 160}",
            "resize: {width: 160, height: 160, position: west}",
            "resize: {width: 160, height: 160, fit: contain}",
            "resize: {width: 160, height: 160, fit: fill}",
            "resize: {width: 160, height: 160, fit: inside}",
            "resize: {width: 160, height: 160, fit: outside}",
        ),
        facts=(
            (
                "A picture is never enlarged unless `enlarge: true` says so. One that is too small for `cover` or "
                "`fill` gives the largest box of the same shape."
            ),
            "The resampler is Lanczos 3; JPEG and WebP are decoded at a fraction of their size where that is enough.",
            "Colors are weighted by alpha, so that those of clear pixels do not bleed into edges.",
            "The margin of `contain` is clear; for a color say `flatten` or use `fit: inside` with `pad`.",
            f"With `position: entropy` and `attention`: {FIRST_FRAME[0].lower()}{FIRST_FRAME[1:]}",
        ),
    ),
    Example(
        step="rotate",
        uploads=("sea",),
        options=(
            "rotate: {angle_deg: 90}",
            "rotate: {angle_deg: -12}",
            'rotate: {angle_deg: -12, background: "#0a3a4a"}',
            "rotate: {angle_deg: -12}\ncrop: {width: 63%, height: 56%}",
        ),
        facts=(
            (
                "Pictures are upright before the first step, whatever their EXIF says; this is only for turns that "
                "you want."
            ),
            "Turns by 90, 180 and 270 degrees only move pixels and lose nothing.",
            ALPHA_WHERE_CLEAR,
        ),
    ),
    Example(
        step="flip",
        uploads=("logo", "sea"),
        options=("flip: true",),
        facts=("Pixels are only moved: nothing is lost.",),
    ),
    Example(
        step="flop",
        uploads=("logo", "night"),
        options=("flop: true",),
        facts=("Pixels are only moved: nothing is lost.", "With `flip: true` too, it is a turn by 180 degrees."),
    ),
    Example(
        step="gamma",
        uploads=("forest", "night"),
        options=("gamma: 1.5", "gamma: 2.4"),
        facts=(
            (
                "Black and white stay where they are, and alpha is not touched. To make a picture darker, use "
                "[modulate](modulate.md) with a brightness below 1."
            ),
        ),
    ),
    Example(
        step="modulate",
        uploads=("flowers",),
        options=(
            "modulate: {brightness: 1.3}",
            "modulate: {brightness: 0.6}",
            "modulate: {saturation: 1.5}",
            "modulate: {saturation: 0.3}",
            "modulate: {hue_deg: 120}",
        ),
        facts=(
            (
                "The numbers are those of CIE LCh, in which equal steps look equal; a color that sRGB does not have"
                " is clipped to one that it has."
            ),
            "Alpha is not touched, and a grey picture stays grey.",
        ),
    ),
    Example(
        step="greyscale",
        uploads=("flowers",),
        options=("greyscale: true", "modulate: {saturation: 0}"),
        facts=(
            (
                "The result has one channel, by which files get smaller. Its values are the luminance of BT.709; "
                "`modulate: {saturation: 0}` keeps the lightness of CIE Lab, and three channels."
            ),
            "Alpha stays beside it.",
            (
                "A colored `pad`, `flatten` or corner of `rotate` after it makes the picture sRGB again; a "
                "watermark turns grey with it."
            ),
        ),
    ),
    Example(
        step="blur",
        uploads=("flowers",),
        options=("blur: {sigma: 2}", "blur: {sigma: 12}"),
        facts=(
            "The number is in pixels of the picture at this place: after `resize` it means the same for every upload.",
            "Beyond its edges the picture goes on with its outermost pixels; colors are weighted by alpha.",
            "A wide blur is quick too: it is worked out on a smaller copy.",
        ),
    ),
    Example(
        step="sharpen",
        uploads=("forest", "flowers"),
        options=("sharpen: {}", "sharpen: {edges: 8}", "sharpen: {sigma: 2, edges: 5, flat: 2}"),
        facts=(
            "Only the lightness is sharpened, so that no color fringes come up; alpha is not touched.",
            "Write it after `resize`: it is made for pictures that were made smaller.",
        ),
    ),
    Example(
        step="pad",
        uploads=("sea",),
        options=(
            "pad: {all: 8%, background: white}",
            'pad: {all: 4%, bottom: 25%, background: "#1c1a22"}',
            'pad: {aspect: "1:1"}',
            'pad: {aspect: "1:1", extend: edge}',
            "pad: {left: 40%, right: 40%, extend: mirror}",
        ),
        facts=(
            ALPHA_WHERE_CLEAR,
            "A picture over `limits.pixels` after it is rejected: `size_not_encodable`.",
            "A grey picture with a colored margin becomes sRGB.",
        ),
    ),
    Example(
        step="flatten",
        uploads=("logo",),
        options=("flatten: {}", 'flatten: {background: "#ffd08a"}'),
        facts=(
            "The result has no alpha. A picture without alpha stays as it is.",
            "JPEG has no alpha: without this step, what is clear is white there.",
            "A grey picture on a color becomes sRGB.",
        ),
    ),
    Example(
        step="watermark",
        uploads=("night", "poster"),
        options=(
            "watermark: {text: © Owner, scale: 0.4}",
            "watermark: {text: © Owner, scale: 0.4, outline: {width: 0}}",
            'watermark: {text: "Proof\\nnot for sale", color: "#ffd08a", position: center, scale: 0.7, opacity: 1}',
            "watermark: {image: logo.png, position: northwest, opacity: 1}",
            "watermark: {text: © Owner, rotate_deg: -30, scale: 0.3, opacity: 0.5, tile: true, spacing: 6%}",
        ),
        facts=(
            "The outline lets a text read on light and dark; `outline: {width: 0}` leaves it out.",
            (
                "Text is drawn in a font that Safelight ships (Latin, Greek, Cyrillic) or that `font` names, never "
                "in one of the machine: the same pixels everywhere. A character that the font lacks is an error of "
                "`lint`."
            ),
            (
                "A logo may be of any format that is read; it is read once and kept. One that is missing or does "
                "not decode is an error of `lint`, and nothing starts with it."
            ),
            "A mark that does not fit is made smaller; the margin takes at most a quarter of the shorter side.",
            "On a grey picture the mark is grey; where the picture is clear, it adds its own alpha.",
            "The picture keeps the size it has. In an animation the mark stands still.",
        ),
    ),
)
