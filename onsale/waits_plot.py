"""A simulated sale in one picture: how it went by the minute, and told waits beside real ones."""

from pathlib import Path

from matplotlib.figure import Figure

from gateway.simulation.outcome import Outcome
from gateway.simulation.plan import MINUTE_MS, Plan

# Told apart by everybody, also in grey: blue, orange and grey of Okabe and Ito.
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#777777"
INCHES = (11.0, 8.5)
DOTS_PER_INCH = 110


def plot_waits(plan: Plan, outcome: Outcome, path: Path) -> None:
    """Write the picture as a PNG."""
    figure = Figure(figsize=INCHES, layout="constrained")
    line, rate, waits = figure.subplots(3, 1, height_ratios=(1.0, 1.0, 1.6))
    minutes = [moment.at_ms / MINUTE_MS for moment in outcome.moments]
    figure.suptitle(
        f"{plan.fans:,} fans, {plan.rate_per_minute:,} a minute, {plan.no_show:.0%} no-shows",
        weight="bold",
    )

    line.fill_between(
        minutes, [each.waiting for each in outcome.moments], color=BLUE, alpha=0.25, lw=0
    )
    line.plot(minutes, [each.waiting for each in outcome.moments], color=BLUE, label="fans waiting")
    line.plot(minutes, [each.inside for each in outcome.moments], color=ORANGE, label="fans inside")
    line.set_ylabel("fans")

    rate.step(minutes, [each.asked for each in outcome.moments], color=GREY, ls="--", label="asked")
    # The first moment is the opening itself: no minute lies before it.
    rate.plot(
        minutes[1:], [each.entered for each in outcome.moments[1:]], color=BLUE, label="entered"
    )
    rate.set_ylabel("fans a minute")
    for axes in (line, rate):
        axes.set_xlabel("minutes after the opening")
        axes.set_xlim(0, max(minutes, default=1) or 1)
        for each in plan.outages:
            begins = each.begins_ms / MINUTE_MS
            axes.axvspan(begins, begins + each.lasts_ms / MINUTE_MS, color=ORANGE, alpha=0.2, lw=0)

    followed = sorted(outcome.followed, key=lambda each: each.place)
    places = [each.place for each in followed]
    waits.vlines(
        places, [each.p10 / 60 for each in followed], [each.p90 / 60 for each in followed],
        color=BLUE, alpha=0.35, lw=2, label="told",
    )  # fmt: skip
    waits.plot(
        places, [each.waited_s / 60 for each in followed], ".", color=ORANGE, ms=4, label="waited"
    )
    waits.set_xlabel("place in line")
    waits.set_ylabel("minutes")
    for axes in (line, rate, waits):
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.25)
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    figure.savefig(path, format="png", dpi=DOTS_PER_INCH)
