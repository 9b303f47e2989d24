"""Pictures of a brand: whatever is uploaded is decoded and written anew, so that only pixels remain."""

import hashlib
import io
from dataclasses import dataclass
from typing import Final, Literal

from PIL import Image, ImageOps, UnidentifiedImageError

from groundwork.errors import RequestInvalid

Kind = Literal["logo", "image"]

# What a designer sends; larger files are photographs nobody has looked at.
UPLOAD_BYTES_MAX: Final = 12 * 1024 * 1024
# A picture that unpacks to more would only cost memory: pages show at most a twentieth of it.
PIXELS_MAX: Final = 40_000_000
# By content, whatever the name says. SVG is none of them: it can carry scripts.
FORMATS: Final = ("PNG", "JPEG", "WEBP")
# Twice of what pages show, for screens with small pixels: the logo 240 × 40, the picture 800 wide.
SIZE_MAX: Final[dict[Kind, tuple[int, int]]] = {"logo": (720, 160), "image": (1600, 1200)}
# Sharp to the eye, and a full picture stays well under 300 KB.
QUALITY: Final = 82
CONTENT_TYPE: Final = "image/webp"
DIGEST_CHARACTERS: Final = 32


@dataclass(frozen=True, slots=True)
class BrandPicture:
    """A picture as it is stored and served: WebP, named by its content."""

    digest: str
    width: int
    height: int
    content: bytes


def make_picture(uploaded: bytes, kind: Kind) -> BrandPicture:
    """Return the picture anew: turned upright, no larger than needed, without anything but pixels.

    Raises RequestInvalid for what is too large or no PNG, JPEG or WebP.
    """
    if len(uploaded) > UPLOAD_BYTES_MAX:
        raise RequestInvalid(kind, f"must be at most {UPLOAD_BYTES_MAX // 1024 // 1024} MB")
    try:
        with Image.open(io.BytesIO(uploaded), formats=FORMATS) as found:
            if found.width * found.height > PIXELS_MAX:
                raise RequestInvalid(
                    kind, f"must have at most {PIXELS_MAX // 1_000_000} million pixels"
                )
            picture = ImageOps.exif_transpose(found)
            picture.thumbnail(SIZE_MAX[kind], Image.Resampling.LANCZOS)
            picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise RequestInvalid(
            kind, "must be a PNG, JPEG or WebP picture (SVG can carry scripts, so it is not taken)"
        ) from error
    written = io.BytesIO()
    picture.save(written, "WEBP", quality=QUALITY, method=6)
    content = written.getvalue()
    digest = hashlib.sha256(content).hexdigest()[:DIGEST_CHARACTERS]
    return BrandPicture(digest, picture.width, picture.height, content)
