"""A brand may choose any colour; what is written in it can be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.pages.colours import DARK_CARD, LIGHT_CARD, contrast, palette, paper

AA = 4.5


@given(st.integers(0, 0xFFFFFF))
def test_text_in_any_colour_can_be_read(number: int) -> None:
    colour = f"#{number:06x}"
    for shade, card in zip(palette(colour), (LIGHT_CARD, DARK_CARD), strict=True):
        for surface in (card, shade.tint):
            assert contrast(shade.accent, surface) >= AA
        assert contrast(shade.on_accent, shade.accent) >= AA
    for text in ("#13201b", "#53625b", palette(colour)[0].accent):
        assert contrast(text, paper(colour)) >= AA


@pytest.mark.parametrize("colour", ["#0a6650", "#8a1c3b", "#1d3fbb"])
def test_a_colour_that_can_be_read_is_left_as_it_is(colour: str) -> None:
    light, _ = palette(colour)

    assert light.accent == colour


def test_a_pale_colour_keeps_its_hue_and_gets_darker() -> None:
    light, dark = palette("#ffd400")

    red, green, blue = (int(light.accent[at : at + 2], 16) for at in (1, 3, 5))
    assert red > green > blue
    assert light.on_accent == "#ffffff"
    assert dark.accent == "#ffd400", "on a dark surface it is bright enough"
    assert dark.on_accent != "#ffffff"


def test_contrast_is_what_wcag_says() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
