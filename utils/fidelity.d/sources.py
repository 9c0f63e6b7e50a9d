"""Where the sources of Debian's packages come from: apt, without a change to its set-up."""

import glob
import os

from harness import Failed, check

LIST = "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] " \
       "http://deb.debian.org/debian bookworm main\n"


def apt(tools, *words, cwd):
    base = tools.path("apt", "x").removesuffix("/x")
    os.makedirs(f"{base}/lists/partial", exist_ok=True)
    with open(f"{base}/sources", "w") as file:
        file.write(LIST)
    return check("apt-get", "-q", "-o", f"Dir::Etc::sourcelist={base}/sources",
                 "-o", "Dir::Etc::sourceparts=/dev/null", "-o", f"Dir::State::lists={base}/lists",
                 "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=3", *words, cwd=cwd)


def source(tools, package):
    """The unpacked source of a package."""
    def make(path):
        found = [d for d in glob.glob(f"{path}/*/") if os.path.isdir(d)]
        if found:
            return
        os.makedirs(path, exist_ok=True)
        tools_updated = tools.path("apt", "updated")
        if not os.path.exists(tools_updated):
            apt(tools, "update", cwd=path)
            open(tools_updated, "w").close()
        apt(tools, "source", "--download-only", package, cwd=path)
        description, = glob.glob(f"{path}/*.dsc")
        check("dpkg-source", "--no-check", "-x", description, f"{path}/unpacked.new", cwd=path)
        os.rename(f"{path}/unpacked.new", f"{path}/unpacked")
    path = os.path.join(tools.once(f"source-{package}", make), "unpacked")
    if not os.path.isdir(path):
        raise Failed(f"no source of {package}")
    return path
