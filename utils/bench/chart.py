"""Line charts as SVG, side by side with one logarithmic axis for all. Their
colours are to be read on a light page and on a dark one."""

import html
import math

TEXT, GRID, FONT = "#7d838c", "#7d838c", "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"
TOP, LEFT, PLOT_HEIGHT, BOTTOM, LABELS, LINE = 64, 68, 390, 66, 244, 17


class Panel:
    """ticks: the texts of the horizontal axis, at even distances; lines: {name:
    one value per tick, or None where there is none}."""

    def __init__(self, axis, ticks, lines, width):
        self.axis, self.ticks, self.lines, self.width = axis, ticks, lines, width


def duration(microseconds):
    for unit, factor in (("s", 1e6), ("ms", 1e3)):
        if microseconds >= factor:
            return f"{microseconds / factor:.3g} {unit}"
    return f"{microseconds:.3g} µs"


def text(x, y, content, anchor="start", size=12.5, fill=TEXT, more=""):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
            f'fill="{fill}" {more}>{html.escape(content)}</text>')


def spread(wanted, low, high):
    """Heights near the wanted ones (in rising order), a line apart from each other."""
    groups = []

    def add(y, n):
        y = min(max(y, low + LINE * (n - 1) / 2), high - LINE * (n - 1) / 2)
        if groups and y - groups[-1][0] < LINE * (n + groups[-1][1]) / 2:
            before, m = groups.pop()
            add((before * m + y * n) / (m + n), m + n)
        else:
            groups.append((y, n))
    for y in wanted:
        add(y, 1)
    return [y + LINE * (i - (n - 1) / 2) for y, n in groups for i in range(n)]


def line_charts(title, subtitle, axis, panels, styles):
    """styles: {name: (colour, dash pattern)}. Values are microseconds."""
    values = [v for p in panels for line in p.lines.values() for v in line if v]
    low = math.floor(math.log10(min(values)) * 2) / 2
    high = math.ceil(math.log10(max(values)) * 2) / 2
    bottom = TOP + PLOT_HEIGHT
    total = LEFT + sum(p.width + LABELS for p in panels)

    def height(value):
        return bottom - PLOT_HEIGHT * (math.log10(value) - low) / (high - low)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {bottom + BOTTOM}" '
           f'width="{total}" height="{bottom + BOTTOM}" font-family="{html.escape(FONT)}">',
           f"<title>{html.escape(title)}</title>",
           text(16, 26, title, size=17, more='font-weight="600"'),
           text(16, 45, subtitle, size=12.5)]
    out.append(text(0, 0, axis, "middle",
                    more=f'transform="translate(16 {TOP + PLOT_HEIGHT / 2}) rotate(-90)"'))
    decades = range(math.ceil(low), math.floor(high) + 1)
    left = LEFT
    for panel in panels:
        right = left + panel.width
        for n in decades:
            y = height(10 ** n)
            out.append(f'<path d="M{left} {y:.1f}H{right}" stroke="{GRID}" stroke-opacity=".35"/>')
            if left == LEFT:
                out.append(text(left - 8, y + 4, duration(10.0 ** n), "end"))
        for decade in range(math.floor(low), math.ceil(high)):
            for n in range(2, 10):
                value = n * 10.0 ** decade
                if low < math.log10(value) < high:
                    out.append(f'<path d="M{left} {height(value):.1f}H{right}" stroke="{GRID}" '
                               'stroke-opacity=".1"/>')
        out.append(f'<path d="M{left} {bottom}H{right}" stroke="{GRID}" stroke-opacity=".8"/>')
        inset = 18
        step = (panel.width - 2 * inset) / max(1, len(panel.ticks) - 1)
        places = [left + inset + n * step for n in range(len(panel.ticks))]
        for x, tick in zip(places, panel.ticks):
            out.append(f'<path d="M{x:.1f} {bottom}v5" stroke="{GRID}" stroke-opacity=".8"/>')
            out.append(text(x, bottom + 21, tick, "middle"))
        out.append(text((left + right) / 2, bottom + 46, panel.axis, "middle"))

        ends = []
        for name, line in panel.lines.items():
            colour, dash = styles[name]
            points = [(x, height(v)) for x, v in zip(places, line) if v]
            if not points:
                continue
            path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
            out.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2.2" '
                       f'stroke-linejoin="round" stroke-dasharray="{dash}"/>')
            out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2" fill="{colour}"/>'
                    for x, y in points]
            last = [v for v in line if v][-1]
            ends.append((points[-1][1], points[-1][0], name, last, colour))
        ends.sort()
        for (y, x, name, last, colour), at in zip(
                ends, spread([e[0] for e in ends], TOP, bottom - 6)):
            out.append(f'<path d="M{x + 6:.1f} {y:.1f}L{right + 2} {y:.1f}L{right + 16} {at:.1f}'
                       f'h6" fill="none" stroke="{colour}" stroke-opacity=".55"/>')
            out.append(text(right + 26, at + 4.3, f"{name}, {duration(last)}", fill=colour))
        left = right + LABELS
    return "\n".join(out + ["</svg>"]) + "\n"
