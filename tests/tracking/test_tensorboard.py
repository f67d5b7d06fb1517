"""TensorBoard: read back as TensorBoard itself reads."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from assay.tracking.mirror import Opening
from assay.tracking.recorder import Histogram, Point, Status
from assay.tracking.tensorboard import TensorboardMirror
from tests.tracking.reading import seen_in_tensorboard


def png(colour: int) -> bytes:
    file = BytesIO()
    Image.fromarray(np.full((8, 6, 3), colour, np.uint8)).save(file, "png")
    return file.getvalue()


@pytest.fixture
def opening(tmp_path: Path) -> Opening:
    return Opening("c3" * 16, "boosting", "income", {}, 0, tmp_path / "t")


def read(folder: Path) -> EventAccumulator:
    loaded = EventAccumulator(str(folder), size_guidance={"images": 0, "tensors": 0})
    return loaded.Reload()


def test_tensorboard_reads_what_was_written(opening: Opening) -> None:
    recorder = TensorboardMirror().open(opening)
    recorder.points([Point("loss", 1 / step, step, 1000 * step) for step in range(1, 5)])
    recorder.histogram("gradients/w", Histogram((1, 2), (0.0, 1.0, 2.0)), step=3)
    recorder.child("fold-1").points([Point("loss", 0.5, 1, 1000)])
    recorder.finish(Status.FINISHED, at=9000)
    loaded = read(opening.folder)
    scalars = loaded.Scalars("loss")
    assert [(each.step, each.wall_time) for each in scalars] == [(n, float(n)) for n in range(1, 5)]
    assert scalars[2].value == pytest.approx(1 / 3)
    [histogram] = loaded.Histograms("gradients/w")
    assert histogram.histogram_value.bucket == [0, 1, 2]
    assert histogram.histogram_value.bucket_limit == [0, 1, 2]
    assert [each.value for each in read(opening.folder / "fold-1").Scalars("loss")] == [0.5]


def test_everything_is_in_the_file_before_the_end(opening: Opening) -> None:
    recorder = TensorboardMirror().open(opening)
    recorder.points([Point("loss", 1.0, 1, 5)])
    assert seen_in_tensorboard(opening.folder).history("loss") == [(1, 1.0)]


def test_params_are_to_be_compared_by(opening: Opening) -> None:
    from tensorboard.plugins.hparams.metadata import (
        parse_session_end_info_plugin_data,
        parse_session_start_info_plugin_data,
    )

    recorder = TensorboardMirror().open(opening)
    recorder.params({"model.learner": "boosting", "rate": 0.5, "fair": True, "none": None})
    recorder.finish(Status.FINISHED, at=9000)
    tags = read(opening.folder).summary_metadata
    start = parse_session_start_info_plugin_data(
        tags["_hparams_/session_start_info"].plugin_data.content
    )
    assert start.hparams["model.learner"].string_value == "boosting"
    assert (start.hparams["rate"].number_value, start.hparams["fair"].bool_value) == (0.5, True)
    end = parse_session_end_info_plugin_data(tags["_hparams_/session_end_info"].plugin_data.content)
    assert end.end_time_secs == 9.0


def test_pictures_of_a_table_are_shown(opening: Opening) -> None:
    recorder = TensorboardMirror().open(opening)
    pictures = [{"bytes": png(i), "path": None} for i in range(30)]
    pictures[3]["bytes"] = b"\x89PNG\r\n\x1a\nbroken"
    recorder.table("predictions_sample", pa.table({"row": range(30), "image": pictures}))
    recorder.finish(Status.FINISHED)
    loaded = read(opening.folder)
    tags = loaded.Tags()["images"]
    assert len(tags) == 24
    [image] = loaded.Images("predictions_sample/image/7")
    assert (image.width, image.height, image.encoded_image_string) == (6, 8, png(7))


def test_a_long_table_says_where_the_rest_is(opening: Opening) -> None:
    recorder = TensorboardMirror().open(opening)
    recorder.table("out_of_fold", pa.table({"row": range(1000)}))
    recorder.finish(Status.FINISHED)
    seen = seen_in_tensorboard(opening.folder)
    assert len(seen.rows["out_of_fold"]) == 200
    assert "800 more rows are in the run's own store." in seen.text


def test_a_folder_that_cannot_be_is_said(opening: Opening) -> None:
    opening.folder.parent.joinpath("t").write_text("a file where a folder should be")
    with pytest.raises(OSError, match=r"Not a directory|exists"):
        TensorboardMirror().open(opening)
