"""Checks what --print-hooks says of the files of an image.

Usage: sites.py HOOKEDCALLS.DEF IMAGE MAP HOOKS [reclaim]

For each file: the sites are where objdump, which shares no code with elfmerge,
finds `syscall` and `cpuid` instructions; an untouched site makes no call that is hooked; and
in the image, where MAP says, the loaded bytes are those of the file but for the
patches, each of which differs.
"""
import os, re, struct, subprocess, sys

definitions, image_path, map_path, hooks_path, *reclaim = sys.argv[1:]
text = open(definitions).read()
hooked = {int(n) for n in re.findall(r"^EM_(?:HOOKED|PATH|TWO_PATHS|THREAD)_CALL\(\w+, (\d+)", text, re.M)}
loader = {int(n) for n in re.findall(r"^EM_LOADER_(?:RECLAIM_)?CALL\(\w+, (\d+)\)", text, re.M)}
if reclaim:
    hooked |= {int(n) for n in re.findall(r"^EM_(?:LOADER_)?RECLAIM_CALL\(\w+, (\d+)\)", text, re.M)}
image = open(image_path, "rb").read()
plan = open(map_path).read()

def loads(data):
    offset, size, count = (*struct.unpack_from("<Q", data, 32), *struct.unpack_from("<HH", data, 54))
    for n in range(count):
        kind, flags, at, address, _, in_file = struct.unpack_from("<IIQQQQ", data, offset + n * size)
        if kind == 1 and in_file:
            yield at, address, in_file

def objdump_sites(path):
    """(instruction, offset in the file) of each."""
    out = subprocess.run(["objdump", "-d", "--no-show-raw-insn", path],
                         check=True, capture_output=True, text=True).stdout
    found = re.findall(r"^\s*([0-9a-f]+):\s+(syscall|cpuid)\s*$", out, re.M)
    data = open(path, "rb").read()
    for address, instruction in found:
        a = int(address, 16)
        yield instruction, next(a - v + o for o, v, s in loads(data) if v <= a < v + s)

def content_area():
    """File offset of the content area: that of a PT_LOAD, less its content."""
    for where, what in re.findall(r"^    0x([0-9a-f]+) .* content 0x([0-9a-f]+) size", plan, re.M):
        for at, address, _ in loads(image):
            if address == int(where, 16):
                return at - int(what, 16)

def pieces(path, data):
    """(offset in the file, offset in the image, size) of what the image holds."""
    for m in re.finditer(r"^    content 0x([0-9a-f]+) (.+)$", plan, re.M):
        if m[2] == path:
            end = max(o + s for o, _, s in loads(data))
            yield 0, area + int(m[1], 16), end
            return
    m = re.search(r"^  (?:program|interpreter) base 0x([0-9a-f]+) %s\n((?:    .*\n)+)" % re.escape(path), plan, re.M)
    base = int(m[1], 16)
    for at, address, size in loads(data):
        where = base + address & ~4095
        line = re.search(r"^    0x%x .* content 0x([0-9a-f]+) size 0x([0-9a-f]+)$" % where, m[2], re.M)
        yield at, area + int(line[1], 16) + at % 4096, size

area = content_area()
for name, lines, count, cpuids in re.findall(
        r"^(\S.*):\n((?:  0x.*\n)*)  (\d+) sites, .* untouched\n(?:  (\d+) cpuid, .*)?", open(hooks_path).read(), re.M):
    base = os.path.basename(name)
    is_loader = base.startswith("ld-")
    sites, windows = [], []
    for line in lines.splitlines():
        at, function, numbers, form, *patch = line.split()
        sites.append(("cpuid" if numbers == "cpuid" else "syscall", int(at, 16)))
        numbers = set() if numbers in ("unknown", "cpuid") else {int(n) for n in numbers.split(",")}
        for p in patch:
            start, size = p.split("+")
            windows.append((int(start, 16), int(start, 16) + int(size)))
        if form == "untouched":
            wrong = hooked | (loader if is_loader else set())
            assert numbers and not numbers & wrong, (name, line)
        else:
            assert patch, (name, line)
    assert len(sites) == len(set(sites)), name
    assert [i for i, _ in sites].count("syscall") == int(count), name
    assert [i for i, _ in sites].count("cpuid") == int(cpuids or 0), name
    found = set(objdump_sites(name))
    assert set(sites) == found, (name, "only reported", set(sites) - found, "only found", found - set(sites))
    data = open(name, "rb").read()
    changed = set()
    for at, in_image, size in pieces(name, data):
        for n in range(size):
            if data[at + n] != image[in_image + n]:
                changed.add(at + n)
    # e_phoff, e_phnum and the section headers' fields, which an embedded
    # library has anew.
    header = set(range(32, 48)) | set(range(56, 64))
    outside = [n for n in changed if n not in header and not any(s <= n < e for s, e in windows)]
    assert not outside, (name, [hex(n) for n in sorted(outside)[:10]])
    for s, e in windows:
        assert any(s <= n < e for n in changed), (name, "not patched", hex(s))
    print(f"{base}: {count} sites, {len(windows)} patches")
