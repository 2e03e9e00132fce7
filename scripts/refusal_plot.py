#!/usr/bin/env python3
"""Make the table and the plot of a sweep that scripts/refusal_frontier.sh has run, or is running.

usage: refusal_plot.py OUT [--svg FILE.svg] [--markdown | --best]
           OUT/points.csv: a line a finished point of OUT/points/; FILE.svg (OUT/points.svg): refusal against over-refusal with
           95% intervals, and coherence beside it; --markdown prints the points as a table,
           --best the point of the sweep whose two rates on the development set are farthest apart

Only Python's standard library is needed.
"""
import argparse
import csv
import json
from pathlib import Path
from xml.sax.saxutils import escape

COLUMNS = ["point", "refusals", "look_alikes", "learning_rate", "method", "seconds",
           "refused", "refused_low", "refused_high", "over_refused", "over_refused_low", "over_refused_high",
           "coherent", "coherent_low", "coherent_high", "general_coherent", "general_coherent_low", "general_coherent_high",
           "general_refused", "dev_refused", "dev_over_refused"]
SHARES = ["0.01", "0.03", "0.08", "0.20"]  # of scripts/refusal_frontier.sh, a colour each


# The table

def coherent(answers):
    low, high = answers["ci95"]
    return 1 - answers["rate"], 1 - high, 1 - low


def read_point(directory):
    """A row of the table, or None where the point is not finished."""
    files = {name: directory / f"{name}.json" for name in ("point", "prompts", "dev", "general")}
    if not all(path.exists() for path in files.values()):
        return None
    data = {name: json.loads(path.read_text(encoding="utf-8")) for name, path in files.items()}
    row = {"point": directory.name, **data["point"]}
    for name, answers in (("refused", data["prompts"]["unsafe"]), ("over_refused", data["prompts"]["safe"])):
        row[name], (row[f"{name}_low"], row[f"{name}_high"]) = answers["rate"], answers["ci95"]
    for name, key in (("coherent", "prompts"), ("general_coherent", "general")):
        row[name], row[f"{name}_low"], row[f"{name}_high"] = coherent(data[key]["incoherent"])
    row["general_refused"] = data["general"]["safe"]["rate"]
    row["dev_refused"], row["dev_over_refused"] = data["dev"]["unsafe"]["rate"], data["dev"]["safe"]["rate"]
    return row


def read_points(out):
    rows = [read_point(directory) for directory in sorted((out / "points").iterdir()) if directory.is_dir()]
    return [row for row in rows if row]


def percent(row, name):
    return f"{100 * row[name]:.0f}%"


def with_interval(row, name):
    return f"{percent(row, name)} ({100 * row[name + '_low']:.0f} to {100 * row[name + '_high']:.0f})"


def markdown(rows):
    print("| point | refuses unsafe | refuses safe | coherent | general: coherent | general: refused | development: unsafe, safe | training |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for row in rows:
        print(f"| {row['point']} | {with_interval(row, 'refused')} | {with_interval(row, 'over_refused')} | {percent(row, 'coherent')} | "
              f"{percent(row, 'general_coherent')} | {percent(row, 'general_refused')} | {percent(row, 'dev_refused')}, "
              f"{percent(row, 'dev_over_refused')} | {row['seconds']} s |")


def write_csv(path, rows):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({key: f"{value:.4g}" if isinstance(value, float) else value for key, value in row.items()})


# The plot

STYLE = """
svg{--ink:#1f2328;--soft:#59636e;--grid:#d1d9e0;--page:#ffffff;--box:#1a7f3722;--box-edge:#1a7f37;
--c0:#8250df;--c1:#0969da;--c2:#bc4c00;--c3:#116329;--dpo:#cf222e;--other:#59636e}
@media(prefers-color-scheme:dark){svg{--ink:#f0f6fc;--soft:#9198a1;--grid:#3d444d;--page:#0d1117;--box:#3fb95022;--box-edge:#3fb950;
--c0:#be8fff;--c1:#4493f8;--c2:#f0883e;--c3:#56d364;--dpo:#ff7b72;--other:#9198a1}}
text{font:12px system-ui,sans-serif;fill:var(--ink)}.soft{fill:var(--soft)}.small{font-size:10px}.title{font-size:14px;font-weight:600}
.page{fill:var(--page)}.grid{stroke:var(--grid);stroke-width:1}.box{fill:var(--box);stroke:var(--box-edge);stroke-dasharray:4 3}
.edge{stroke:var(--box-edge);stroke-dasharray:4 3}.bar{stroke:currentColor;stroke-width:1;opacity:.35}
.full{fill:currentColor;stroke:var(--page);stroke-width:.75}.hollow{fill:var(--page);stroke:currentColor;stroke-width:1.75}
.line{fill:none;stroke:currentColor;stroke-width:2.25}
"""
TOP, HEIGHT, LEFT, WIDTH, RIGHT, NARROW = 48, 480, 64, 480, 584, 220
COHERENT_FROM = 0.7


def shape(mark, x, y, style):
    if mark == "circle":
        return f'<circle class="{style}" cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>'
    points = {"square": ((-4, -4), (4, -4), (4, 4), (-4, 4)), "triangle": ((0, -5.5), (5, 4), (-5, 4)),
              "diamond": ((0, -6.5), (6.5, 0), (0, 6.5), (-6.5, 0)),
              "star": ((0, -10), (2.6, -3.4), (9.5, -3.1), (4.2, 1.3), (5.9, 8.1), (0, 4.2), (-5.9, 8.1), (-4.2, 1.3), (-9.5, -3.1), (-2.6, -3.4))}
    if mark in points:
        return f'<polygon class="{style}" points="{" ".join(f"{x + a:.1f},{y + b:.1f}" for a, b in points[mark])}"/>'
    return f'<path class="line" d="M{x - 5:.1f} {y - 5:.1f}l10 10m0 -10l-10 10"/>'


def look_of(row):
    """colour, mark, style"""
    method = row["method"]
    if method == "recipe":
        return "dpo", "star", "full"
    if method == "dpo":
        return "dpo", "diamond", "full"
    if method != "sft":
        return "other", "cross" if method in ("base", "trl") else "diamond", "hollow"
    mark = {"0": "circle", "1": "square", "2": "triangle"}[str(row["look_alikes"])]
    return f"c{SHARES.index(str(row['refusals']))}", mark, "full" if float(row["learning_rate"]) < 2e-4 else "hollow"


def label_of(row):
    if row["method"] == "sft":
        return f"{float(row['refusals']) * 100:.0f}/{row['look_alikes']}"
    return row["point"]


class Plot:
    """Refusal upwards; over-refusal to the right in the wide panel, coherence in the narrow one."""

    def __init__(self):
        self.parts, self.taken = [], []

    def y(self, rate):
        return TOP + HEIGHT * (1 - rate)

    def x(self, rate):
        return LEFT + WIDTH * rate

    def coherent_x(self, rate):
        return RIGHT + NARROW * (max(rate, COHERENT_FROM) - COHERENT_FROM) / (1 - COHERENT_FROM)

    def line(self, x1, y1, x2, y2, style):
        self.parts.append(f'<line class="{style}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')

    def text(self, x, y, text, style="", anchor="middle"):
        self.parts.append(f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>')

    def axes(self):
        self.parts.append(f'<rect class="box" x="{self.x(0)}" y="{self.y(1)}" width="{WIDTH * .15:.1f}" height="{HEIGHT * .15:.1f}"/>')
        for tenth in range(0, 11, 2):
            rate = tenth / 10
            self.line(LEFT, self.y(rate), LEFT + WIDTH, self.y(rate), "grid")
            self.line(RIGHT, self.y(rate), RIGHT + NARROW, self.y(rate), "grid")
            self.line(self.x(rate), TOP, self.x(rate), TOP + HEIGHT, "grid")
            self.text(LEFT - 8, self.y(rate) + 4, f"{tenth * 10}%", "soft", "end")
            self.text(self.x(rate), TOP + HEIGHT + 18, f"{tenth * 10}%", "soft")
        for hundredth in range(int(COHERENT_FROM * 100), 101, 10):
            self.line(self.coherent_x(hundredth / 100), TOP, self.coherent_x(hundredth / 100), TOP + HEIGHT, "grid")
            self.text(self.coherent_x(hundredth / 100), TOP + HEIGHT + 18, f"{hundredth}%", "soft")
        self.line(self.coherent_x(.95), TOP, self.coherent_x(.95), TOP + HEIGHT, "edge")
        self.text(LEFT, 24, "Refuses what it should (up), and what it should not (right)", "title", "start")
        self.text(RIGHT, 24, "General answers coherent", "title", "start")
        self.text(LEFT + WIDTH / 2, TOP + HEIGHT + 38, "safe look-alikes refused (100 prompts)", "soft")
        self.text(RIGHT + NARROW / 2, TOP + HEIGHT + 38, "of general prompts, not trained on", "soft")
        self.parts.append(f'<text class="soft" transform="translate(18 {TOP + HEIGHT / 2}) rotate(-90)" text-anchor="middle">'
                          "unsafe prompts refused (100 prompts)</text>")
        self.text(self.x(.075), self.y(1) - 6, "the target", "small")

    def place_label(self, x, y, text):
        """Beside the point where no other label or point stands, if there is such a place."""
        width = 6.2 * len(text)
        for dx, dy in ((9, 4), (-9 - width, 4), (-width / 2, -9), (-width / 2, 17), (7, -7), (7, 14), (-7 - width, -7), (-7 - width, 14)):
            box = (x + dx, y + dy - 9, x + dx + width, y + dy + 1)
            if not any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in self.taken):
                self.taken.append(box)
                self.text(x + dx, y + dy, text, "small", "start")
                return

    def points(self, rows):
        places = [(row, self.x(row["over_refused"]), self.y(row["refused"])) for row in rows]
        self.taken += [(x - 4, y - 4, x + 4, y + 4) for _, x, y in places]
        for row, x, y in places:
            colour, mark, style = look_of(row)
            self.parts.append(f'<g style="color:var(--{colour})"><title>{escape(label_long(row))}</title>')
            self.line(self.x(row["over_refused_low"]), y, self.x(row["over_refused_high"]), y, "bar")
            self.line(x, self.y(row["refused_low"]), x, self.y(row["refused_high"]), "bar")
            if row.get("general_coherent") is not None:
                right = self.coherent_x(row["general_coherent"])
                self.line(self.coherent_x(row["general_coherent_low"]), y, self.coherent_x(row["general_coherent_high"]), y, "bar")
                self.parts.append(shape(mark, right, y, style))
            self.parts.append(shape(mark, x, y, style) + "</g>")
        for row, x, y in sorted(places, key=lambda place: place[0]["method"] == "sft"):
            self.place_label(x, y, label_of(row))

    def legend(self):
        x, y = RIGHT + NARROW + 28, TOP + 8
        entries = [("refusals, of all conversations:", None)]
        entries += [(f"{float(share) * 100:.0f}%", (f"c{i}", "circle", "full")) for i, share in enumerate(SHARES)]
        entries += [("look-alikes for each refusal:", None), *((f"{n}", ("other", mark, "full"))
                                                               for n, mark in enumerate(("circle", "square", "triangle")))]
        entries += [("learning rate:", None), ("1e-4", ("other", "circle", "full")), ("3e-4", ("other", "circle", "hollow")),
                    ("beside the sweep:", None), ("the recipe, before DPO", ("other", "diamond", "hollow")), ("DPO", ("dpo", "diamond", "full")),
                    ("the recommended recipe", ("dpo", "star", "full")), ("base; TRL's first try", ("other", "cross", "line")),
                    ("bars: 95% intervals", None)]
        for text, look in entries:
            y += 26 if look is None else 20
            if look:
                self.parts.append(f'<g style="color:var(--{look[0]})">{shape(look[1], x + 8, y - 4, look[2])}</g>')
            self.text(x + (22 if look else 0), y, text, "" if look else "soft", "start")

    def svg(self):
        width, height = RIGHT + NARROW + 210, TOP + HEIGHT + 56
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
                f'aria-label="Refusal against over-refusal of the models of the sweep"><style>{STYLE}</style>'
                f'<rect class="page" width="{width}" height="{height}"/>' + "\n".join(self.parts) + "</svg>\n")


def label_long(row):
    text = f"{row['point']}: refuses {with_interval(row, 'refused')} of the unsafe, {with_interval(row, 'over_refused')} of the safe"
    return text if row.get("general_coherent") is None else f"{text}; {percent(row, 'general_coherent')} of general answers coherent"


def main():
    parser = argparse.ArgumentParser(description="make the table and the plot of a sweep")
    parser.add_argument("out", type=Path)
    parser.add_argument("--svg", type=Path)
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--best", action="store_true")
    args = parser.parse_args()
    rows = read_points(args.out)
    if args.best:
        print(max((row for row in rows if row["method"] == "sft"), key=lambda row: row["dev_refused"] - row["dev_over_refused"])["point"])
        return
    write_csv(args.out / "points.csv", rows)
    plot = Plot()
    plot.axes()
    plot.points(rows + [TRL_FIRST_TRY])
    plot.legend()
    (args.svg or args.out / "points.svg").write_text(plot.svg(), encoding="utf-8")
    if args.markdown:
        markdown(rows)


# What a first try with TRL gave, as the project was told; the intervals are those of 100 prompts each.
TRL_FIRST_TRY = {"point": "TRL's first try", "method": "trl", "refusals": "", "refused": .96, "refused_low": .902, "refused_high": .984,
                 "over_refused": .78, "over_refused_low": .689, "over_refused_high": .850, "general_coherent": None}

if __name__ == "__main__":
    main()
