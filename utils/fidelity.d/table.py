"""docs/fidelity.md, of what the cases' reports say."""

import os

from harness import HERE, reason, reasons

HEAD = """# Fidelity

What programs that others wrote, with tests of their own, do in an image and do not do alone, or the
other way round. Made by `utils/fidelity`; do not edit.

A case is run alone and compared, item by item (a test, a script, a command line with its output and status),
with the same case in an image: the program beside two idle instances (×1), and where it uses no fixed names
twice at once (×2). Where something differs it is run alone again; what differs between those two runs is unstable
and no oracle.
Alone, a program is called with the `argv[0]` that an image gives it. An exit status of 128 + n is
a death by signal n. What must differ, process ids in messages and addresses, is
replaced before the comparison; the cases say what.

Children that the programs start are images too where they start themselves by name (git, shells, perl, Go's tests);
CPython's tests start a native Python.

"""


def cut(text):
    text = text.replace("|", "\\|").replace("`", "'").strip()
    return f"`{text[:90]}{'…' if len(text) > 90 else ''}`" if text else "nothing"


def line(report):
    if report.error:
        return f"{report.case.name}: {report.error}"
    ways = ", ".join(f"{way}: {report.cell(way)}" for way in report.ways)
    return (f"{report.case.name}: {report.total} items, {len(report.unstable)} unstable; {ways}"
            f" ({report.seconds:.0f} s)").replace("*", "")


def cell(report, mode):
    if report.error:
        return ""
    if f"{mode} ×1" not in report.ways:
        return "not run"
    text = report.cell(f"{mode} ×1")
    if report.case.two:
        text += f"; ×2: {report.cell(f'{mode} ×2')}"
    return text


def differences(report, known):
    text = []
    for way, found in report.ways.items():
        if isinstance(found, str):
            continue
        for item, alone, image in found[:40]:
            why = reason(known, report.case.name, item, way) or "not examined"
            text.append(f"| {report.case.name} | {way} | {cut(item)} | {cut(alone)} | {cut(image)} | {why} |")
        if len(found) > 40:
            text.append(f"| {report.case.name} | {way} | {len(found) - 40} more | | | |")
    return text


def remark(report):
    if report.error:
        return f"not run: {report.error}"
    return f"unstable alone: {len(report.unstable)}" if report.unstable else ""


def write(reports, modes, notes):
    known = reasons(os.path.join(HERE, "reasons.tsv"))
    out = [HEAD + "".join(f"{note}\n\n" for note in notes)]
    out.append("| program | suite | alone | " + " | ".join(f"{m} mode" for m in modes) + " | remark |\n")
    out.append("|---" * (4 + len(modes)) + "|\n")
    for report in reports:
        cells = [report.case.name, report.case.suite, f"{report.total} items" if not report.error else "",
                 *(cell(report, m) for m in modes), remark(report)]
        out.append("| " + " | ".join(cells) + " |\n")
    found = [text for report in reports for text in differences(report, known)]
    if found:
        out.append("\n## Differences\n\n| program | way | item | alone | in an image | why |\n"
                   "|---|---|---|---|---|---|\n")
        out.extend(text + "\n" for text in found)
    unstable = [f"- {r.case.name}: " + ", ".join(cut(i) for i in r.unstable[:12])
                + (f" and {len(r.unstable) - 12} more" if len(r.unstable) > 12 else "")
                for r in reports if r.unstable]
    if unstable:
        out.append("\n## Unstable alone\n\n" + "\n".join(unstable) + "\n")
    return "".join(out)


def status(reports):
    """0 when all was the same or has a known reason, 1 otherwise."""
    known = reasons(os.path.join(HERE, "reasons.tsv"))
    for report in reports:
        for way, found in report.ways.items():
            if isinstance(found, str) or any(not reason(known, report.case.name, item, way)
                                             for item, _, _ in found):
                return 1
    return 0
