"""Servers with clients that load them, all on this machine."""

import os
import re
import signal
import time

from harness import Case

REDIS = ["--port", "0", "--save", "", "--appendonly", "no", "--enable-debug-command", "yes"]
TESTS = "ping,set,get,incr,lpush,rpush,lpop,sadd,hset,zadd,lrange_100,mset"


def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def ended(process, seconds=20):
    return (f"status {process.returncode if process.returncode >= 0 else 128 - process.returncode}"
            if wait_for(lambda: process.poll() is not None, seconds) else "hangs")


def redis_state(run, socket):
    """What the server holds: its size and the digest of all its keys and values."""
    cli = lambda *words: run.item("redis-cli", "-s", socket, *words)
    return {"dbsize": cli("dbsize"), "digest": cli("debug", "digest"),
            "keys": "\n".join(sorted(cli("keys", "*").splitlines()))}


def redis(run):
    socket = os.path.join(run.dir, "s")
    log = open(f"{run.dir}/log", "wb")
    server = run.start([f"{run.bin}/redis-server", "--unixsocket", socket, "--dir", run.dir, *REDIS],
                       stdout=log, stderr=log)
    try:
        items = {"starts": str(wait_for(lambda: os.path.exists(socket)))}
        status, output = run.command("redis-benchmark", "-s", socket, "-n", "20000", "-c", "20", "-q",
                                     "-t", TESTS, timeout=100)
        items["redis-benchmark"] = status + "\n" + "\n".join(re.findall(r"(?:^|\r)(\S[^:\r]*): [\d.]+ requests",
                                                                        output))
        fill = "".join(f"set key:{n} {n * n}\nlpush list {n}\nzadd z {n} m{n}\n" for n in range(20000))
        items["fill"] = run.command("redis-cli", "-s", socket, input=fill)[0]
        items.update(redis_state(run, socket))
        items["bgsave"] = run.item("redis-cli", "-s", socket, "bgsave")
        saving = lambda: "rdb_bgsave_in_progress:0" in run.item("redis-cli", "-s", socket, "info",
                                                                "persistence")
        items["bgsave ends"] = str(wait_for(saving))
        items["bgsave's end"] = "\n".join(re.findall(
            r"rdb_last_bgsave_status:\w+", run.item("redis-cli", "-s", socket, "info", "persistence")))
        items["lua"] = run.item("redis-cli", "-s", socket, "eval",
                                "local s = 0 for n = 1, 100000 do s = s + n end return s", "0")
        os.kill(server.pid, signal.SIGTERM)
        items["SIGTERM"] = ended(server)
    finally:
        run.stop(server)
    return items


def nginx(workers):
    def one(run):
        port = 18080 + workers
        os.makedirs(f"{run.dir}/html")
        with open(f"{run.dir}/html/page", "w") as file:
            file.write("line\n" * 2000)
        with open(f"{run.dir}/conf", "w") as file:
            file.write(f"""daemon off; worker_processes {workers}; pid {run.dir}/pid;
{"master_process off;" if not workers else ""} error_log {run.dir}/error.log;
events {{ worker_connections 64; }}
http {{ access_log off; client_body_temp_path {run.dir}/a; proxy_temp_path {run.dir}/b;
  fastcgi_temp_path {run.dir}/c; uwsgi_temp_path {run.dir}/d; scgi_temp_path {run.dir}/e;
  server {{ listen 127.0.0.1:{port}; root {run.dir}/html; }} }}
""".replace(f"worker_processes {workers}", f"worker_processes {workers or 1}"))
        url = f"http://127.0.0.1:{port}"
        log = open(f"{run.dir}/log", "wb")
        server = run.start([f"{run.bin}/nginx", "-c", f"{run.dir}/conf", "-p", run.dir],
                           stdout=log, stderr=log)
        fetch = lambda path: run.item("curl", "-s", "-o", f"{run.dir}/got", "-w", "%{http_code} %{size_download}",
                                      f"{url}/{path}")
        try:
            items = {"starts": str(wait_for(lambda: "200 " in fetch("page")))}
            items["page"], items["missing"] = fetch("page"), fetch("none")
            status, output = run.command("wrk", "-t1", "-c16", "-d3s", f"{url}/page")
            items["wrk"] = status + "\n" + "\n".join(re.findall(r"Socket errors.*|Non-2xx.*", output))
            status, output = run.command("ab", "-q", "-n", "3000", "-c", "8", f"{url}/page")
            items["ab"] = status + "\n" + "\n".join(re.findall(r"(?:Complete|Failed) requests.*|Document Length.*",
                                                               output))
            if workers:
                os.kill(server.pid, signal.SIGHUP)
                time.sleep(1)
                items["after SIGHUP"] = fetch("page")
                os.kill(server.pid, signal.SIGUSR1)
                time.sleep(0.5)
                items["after SIGUSR1"] = fetch("page")
            os.kill(server.pid, signal.SIGQUIT)
            items["SIGQUIT"] = ended(server)
        finally:
            run.stop(server)
        return items
    return one


def cases():
    return [
        Case("redis", "redis 7.0, redis-benchmark", {"redis-server": "/usr/bin/redis-server"}, redis),
        *[Case(f"nginx-{workers}", f"nginx 1.22, wrk, ab; {workers or 'no'} worker processes",
               {"nginx": "/usr/sbin/nginx"}, nginx(workers)) for workers in (0, 1, 2)],
    ]
