"""Reports: figures as PNG, and one self-contained HTML page that holds them."""

from piggygan.evaluation.report.blocks import (
    Block,
    Chart,
    Code,
    Facts,
    Gallery,
    KeyFigure,
    Note,
    Picture,
    Proof,
    Table,
    Text,
    Tone,
)
from piggygan.evaluation.report.cycles import cycle_gallery
from piggygan.evaluation.report.figures import loss_chart, loss_curves
from piggygan.evaluation.report.page import Page, Section, render_page, write_page
from piggygan.evaluation.report.pictures import gallery, picture_grid
from piggygan.evaluation.report.score_map import HUES, ScoreMap

__all__ = [
    "HUES",
    "Block",
    "Chart",
    "Code",
    "Facts",
    "Gallery",
    "KeyFigure",
    "Note",
    "Page",
    "Picture",
    "Proof",
    "ScoreMap",
    "Section",
    "Table",
    "Text",
    "Tone",
    "cycle_gallery",
    "gallery",
    "loss_chart",
    "loss_curves",
    "picture_grid",
    "render_page",
    "write_page",
]
