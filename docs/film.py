"""Put the frames that `make pictures` took together: docs/playground.webp and docs/playground-zh.webp."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

DOCS = Path(__file__).parent
# Milliseconds for each frame; the last one stays longer before the film begins again.
PACE, LAST = 2_200, 4_000
WIDTH = 1_080


def film(name: str) -> None:
    taken = sorted(DOCS.glob(f"{name}.frame*.png"))
    still = DOCS / f"{name}.png"
    # The still picture is the fourth frame: the moment after the approval.
    paths = [*taken[:3], still, *taken[3:]]
    frames = [_scaled(path) for path in paths]
    pace = [PACE] * (len(frames) - 1) + [LAST]
    frames[0].save(
        DOCS / f"{name}.webp",
        save_all=True,
        append_images=frames[1:],
        duration=pace,
        loop=0,
        quality=80,
        method=6,
    )
    for path in taken:
        path.unlink()


def _scaled(path: Path) -> Image.Image:
    with Image.open(path) as frame:
        return frame.convert("RGB").resize(
            (WIDTH, frame.height * WIDTH // frame.width), Image.Resampling.LANCZOS
        )


if __name__ == "__main__":
    for one in ("playground", "playground-zh"):
        film(one)
