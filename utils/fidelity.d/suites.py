"""All cases, and the packages that they need."""

import cpython
import programs
import servers
import shells

PACKAGES = """gcc libc6-dev make dpkg-dev python3 libpython3.11-dev libpython3.11-testsuite
              bash dash perl git tcl8.6 golang-go rustc openjdk-17-jdk-headless lua5.4 ruby php-cli
              redis-server redis-tools nginx-light wrk apache2-utils sqlite3 xz-utils zstd
              openssh-client gnupg curl openssl libgomp1 zlib1g-dev procps""".split()


def cases():
    """In the order in which they are begun: time may run out."""
    return [*cpython.cases(cpython.MODULES), *shells.cases(), *servers.cases(), *programs.cases(),
            *cpython.cases(cpython.MORE)]
