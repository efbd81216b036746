"""A U-Net looks like a U-Net: low where its maps are small, joined where both ways meet a resolution."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from PIL import Image

from inkwash.errors import UsageError
from inkwash.viz.network_diagram import arrange, network, skip_connections


@dataclass(frozen=True)
class Part:
    name: str
    shape: tuple[int, ...]
    kind: str = "Block"
    parameters: int = 1000
    flops: int = 5_000_000


UNET = [
    Part("condition", (128,)),
    Part("stem", (32, 28, 28)),
    Part("down1", (64, 28, 28)),
    Part("down2", (128, 14, 14)),
    Part("attention", (128, 14, 14)),
    Part("middle", (256, 7, 7)),
    Part("middle2", (256, 7, 7)),
    Part("up2", (128, 14, 14)),
    Part("up1", (64, 28, 28)),
    Part("out", (1, 28, 28), parameters=0, flops=0),
]


def test_boxes_are_lower_for_smaller_maps_and_wider_for_more_channels():
    boxes = {box.stage.name: box for box in arrange(UNET)}
    assert boxes["stem"].y == boxes["up1"].y > boxes["down2"].y == boxes["up2"].y > boxes["middle"].y
    assert boxes["condition"].y > boxes["stem"].y
    widths = [boxes[name].width for name in ("out", "stem", "down1", "down2", "middle")]
    assert widths == sorted(widths) and len(set(widths)) == 5
    assert [box.x for box in arrange(UNET)] == sorted(box.x for box in arrange(UNET))
    assert max(box.width for box in boxes.values()) < 1


def test_skip_connections_join_encoder_and_decoder_at_each_resolution():
    image_path = [box for box in arrange(UNET) if box.row is not None]
    pairs = {(down.stage.name, up.stage.name) for down, up in skip_connections(image_path)}
    assert pairs == {("attention", "up2"), ("down1", "up1")}


def test_a_network_without_decoder_has_no_skip_connections():
    straight = arrange([Part("a", (8, 28, 28)), Part("b", (8, 28, 28)), Part("c", (8, 28, 28))])
    assert skip_connections(straight) == []
    assert skip_connections([]) == []


def test_an_mlp_is_one_row():
    boxes = arrange([Part("stem", (128,)), Part("layer", (128,)), Part("out", (2,))])
    assert {box.y for box in boxes} == {0.0}
    assert boxes[2].width < boxes[0].width


@pytest.mark.parametrize("stages", [UNET, UNET[:1], [Part("asleep", ())], UNET[1:2]])
def test_every_network_has_a_diagram(tmp_path, stages):
    network(tmp_path / "net.png", stages, "a network")
    with Image.open(tmp_path / "net.png") as image:
        assert image.width > 100 and image.height > 100


def test_a_diagram_without_stages_is_refused(tmp_path):
    with pytest.raises(UsageError):
        network(tmp_path / "net.png", [], "nothing")
    assert not list(tmp_path.iterdir())
