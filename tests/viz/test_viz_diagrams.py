"""The diagram of a network: places and sizes of its stages, and its skip connections."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from inkwash.errors import UsageError
from inkwash.nets.summary import Stage
from inkwash.viz.network_diagram import arrange, draw_network, skip_connections


def part(name: str, *shape: int, parameters: int = 1000, flops: int = 5_000_000) -> Stage:
    return Stage(name, "Block", shape, parameters, flops, 0)


UNET = [
    part("condition", 128),
    part("stem", 32, 28, 28),
    part("down1", 64, 28, 28),
    part("down2", 128, 14, 14),
    part("attention", 128, 14, 14),
    part("middle", 256, 7, 7),
    part("middle2", 256, 7, 7),
    part("up2", 128, 14, 14),
    part("up1", 64, 28, 28),
    part("out", 1, 28, 28, parameters=0, flops=0),
]


def test_boxes_are_lower_for_smaller_maps_and_wider_for_more_channels() -> None:
    boxes = {box.stage.name: box for box in arrange(UNET)}
    assert boxes["stem"].y == boxes["up1"].y > boxes["down2"].y == boxes["up2"].y > boxes["middle"].y
    assert boxes["condition"].y > boxes["stem"].y
    widths = [boxes[name].width for name in ("out", "stem", "down1", "down2", "middle")]
    assert widths == sorted(widths) and len(set(widths)) == 5
    assert [box.x for box in arrange(UNET)] == sorted(box.x for box in arrange(UNET))
    assert max(box.width for box in boxes.values()) < 1


def test_skip_connections_join_encoder_and_decoder_at_each_resolution() -> None:
    image_path = [box for box in arrange(UNET) if box.row is not None]
    pairs = {(down.stage.name, up.stage.name) for down, up in skip_connections(image_path)}
    assert pairs == {("attention", "up2"), ("down1", "up1")}


def test_a_network_without_decoder_has_no_skip_connections() -> None:
    straight = arrange([part("a", 8, 28, 28), part("b", 8, 28, 28), part("c", 8, 28, 28)])
    assert skip_connections(straight) == []
    assert skip_connections([]) == []


def test_an_mlp_is_one_row() -> None:
    boxes = arrange([part("stem", 128), part("layer", 128), part("out", 2)])
    assert {box.y for box in boxes} == {0.0}
    assert boxes[2].width < boxes[0].width


@pytest.mark.parametrize("stages", [UNET, UNET[:1], [part("not run")], UNET[1:2]])
def test_every_network_has_a_diagram(tmp_path: Path, stages: list[Stage]) -> None:
    draw_network(tmp_path / "net.png", stages, "a network")
    with Image.open(tmp_path / "net.png") as image:
        assert image.width > 100 and image.height > 100


def test_a_diagram_without_stages_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        draw_network(tmp_path / "net.png", [], "nothing")
    assert (error.value.code, error.value.field) == ("invalid-data", "stages")
    assert not list(tmp_path.iterdir())
