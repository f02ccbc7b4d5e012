"""What is counted of a task is what is stored of it."""

import json

from torch import nn

import piggygan as pg
from piggygan.model.overhead import LayerOverhead, Overhead, TaskOverhead
from tests.model.small import small, two_tasks


def test_overhead_counts_by_the_closed_form() -> None:
    overhead = two_tasks().overhead()
    lungs = overhead["lungs"]
    # A quarter of 216 + 1024 + 24 weights is 316: 24 for the output, 146 for each of the others. So the first layer
    # has 6 own filters of 27 and factors of 2 by 2, the second 2 of 128 and 6 by 2, the output one filter of 8.
    assert lungs.filters == 6 * 27 + 2 * 128 + 8
    assert lungs.factors == 4 + 12
    assert sum(layer.biases for layer in lungs.layers) == 8 + 8 + 1
    assert sum(layer.copies for layer in lungs.layers) == 16
    assert sum(layer.statistics for layer in lungs.layers) == 17
    assert [layer.path for layer in lungs.layers] == ["0", "1", "3", "5"]
    assert lungs.effective == overhead["facades"].parameters - 2 * 8 - 2  # an output channel in place of three
    assert "5" in lungs.table()
    assert lungs.share == lungs.parameters / overhead["facades"].parameters
    assert "lungs" in str(overhead)
    assert overhead.as_dict()["parameters"] == overhead.parameters


def test_a_share_is_of_the_base_tasks_whole_network_and_the_totals_are_sums() -> None:
    model = two_tasks()
    overhead = model.overhead()
    facades, lungs = overhead.tasks
    assert facades.share == 1.0
    assert facades.parameters == facades.effective == sum(p.numel() for p in small().parameters())
    assert overhead.parameters == facades.parameters + lungs.parameters
    assert overhead.share_of_separate_networks == overhead.parameters / (facades.effective + lungs.effective)
    assert lungs.size == sum(tensor.nbytes for tensor in model.task_tensors("lungs").values())


def test_it_prints_a_row_a_task_and_a_row_a_layer_and_as_plain_data() -> None:
    layers = (LayerOverhead("0", filters=1_000, factors=20, biases=3, size=4_092, effective=2_003), LayerOverhead("1"))
    overhead = Overhead((TaskOverhead("facades", layers, 1.0), TaskOverhead("lungs", layers[1:], 0.0)))
    assert str(overhead).splitlines()[1].split() == ["facades", "1,023", "2,003", "1,000", "20", "0.0", "100.0%"]
    assert str(overhead).endswith("in all 1,023 parameters, 51.1% of separate networks")
    assert overhead["facades"].table().splitlines()[1].split() == ["0", "1,000", "20", "3", "4,092"]
    assert json.loads(json.dumps(overhead.as_dict()))["tasks"][0]["layers"][0]["filters"] == 1_000


def test_what_all_share_costs_a_later_task_nothing_and_a_copy_its_parameters() -> None:
    generator = nn.Sequential(nn.Conv2d(3, 8, 3), nn.PReLU(8), nn.Linear(4, 4), nn.Conv2d(8, 3, 1))
    model = pg.MultiTaskGenerator(generator, "facades", shared_frozen=[nn.Linear])
    model.freeze_task("facades")
    model.add_task("lungs")
    layers = {layer.path: layer for layer in model.overhead()["lungs"].layers}
    assert (layers["1"].copies, layers["1"].effective) == (8, 8)
    assert (layers["2"].parameters, layers["2"].effective) == (0, 20)
