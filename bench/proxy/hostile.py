#!/usr/bin/env python3
"""What hostile input costs the proxy: CPU time a request and a byte, for heads, targets, hosts, bodies and chunk sizes.

    bench/proxy/hostile.py build/release/quoll [--seconds S] [--only WORD]

The proxy, a scripted upstream and one client at a time, all on loopback. The proxy's CPU time is that of its threads
by /proc/PID/task/*/schedstat. Every row is one kind of message, sent again and again for S seconds over kept
connections; a message that ends its connection pays for the next one. Trust the ratios, and repeat them on yours.
"""
import argparse
import glob
import os
import socket
import subprocess
import tempfile
import threading
import time


def listen():
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen(64)
    return s


def free_port():
    s = listen()
    port = s.getsockname()[1]
    s.close()
    return port


class Upstream:
    """Reads what comes and answers each end of a request that it can tell: a blank line, or the last chunk."""

    def __init__(self):
        self.answer = OK
        self.body_left = 0
        self.socket = listen()
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.socket.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, c):
        data = b""
        while True:
            end = data.find(b"\r\n\r\n")
            while end < 0:
                more = c.recv(262144)
                if not more:
                    return
                data += more
                end = data.find(b"\r\n\r\n")
            head, data = data[: end + 4].lower(), data[end + 4 :]
            if b"\r\ntransfer-encoding:" in head:
                while b"0\r\n\r\n" not in data[-16:]:
                    more = c.recv(262144)
                    if not more:
                        return
                    data = data[-16:] + more
                data = b""
            at = head.find(b"\r\ncontent-length:")
            if at >= 0:
                left = int(head[at + 17 :].split(b"\r\n")[0]) - len(data)
                while left > 0:
                    more = c.recv(262144)
                    if not more:
                        return
                    left -= len(more)
                data = b""
            c.sendall(self.answer)


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
GET = b"GET / HTTP/1.1\r\n"
HOST = b"Host: a\r\n"


def fields(n, size, name=b"X%d"):
    return b"".join(name % i + b": " + b"v" * size + b"\r\n" for i in range(n))


def chunks(size, total, extension=b""):
    one = b"%x" % size + extension + b"\r\n" + b"x" * size + b"\r\n"
    return one * (total // size) + b"0\r\n\r\n"


def answer(head_fields, body=b"ok"):
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n" % len(body) + head_fields + b"\r\n" + body


def chunked_answer(body):
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body


def post(body):
    return b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n" + body


K = 1024
# name, request, size of the pieces it is sent in (0: whole), upstream's answer
CASES = [
    ("a small request", GET + HOST + b"\r\n", 0, OK),
    ("head: 60 KiB in one field", GET + HOST + fields(1, 60 * K) + b"\r\n", 0, OK),
    ("head: 99 fields of 600 B", GET + HOST + fields(98, 600) + b"\r\n", 0, OK),
    ("head: 99 fields of 1 B", GET + HOST + fields(98, 1) + b"\r\n", 0, OK),
    ("head: 101 fields (431)", GET + HOST + fields(100, 1) + b"\r\n", 0, OK),
    ("head: 64 KiB without an end (431)", GET + HOST + b"X: " + b"v" * 70 * K, 0, OK),
    ("head: 1 KiB, a byte a segment", GET + HOST + fields(1, 1000) + b"\r\n", 1, OK),
    ("head: 60 KiB, 64 B a segment", GET + HOST + fields(1, 60 * K) + b"\r\n", 64, OK),
    ("head: 60 KiB of folded lines (400)", GET + HOST + b"X: a\r\n" + b" a\r\n" * 15000 + b"\r\n", 0, OK),
    ("Connection: 30,000 options (431)", GET + HOST + b"Connection: " + b"a," * 30000 + b"a\r\n" + fields(95, 1) + b"\r\n", 0, OK),
    ("Connection: 64 options of 450 B, 95 fields of 300 B", GET + HOST + b"Connection: " + b",".join(b"a" * 446 + b"%04d" % i for i in range(64)) + b"\r\n" + fields(95, 1, b"a" * 296 + b"%04d") + b"\r\n", 0, OK),
    ("Connection: 60,000 commas, 95 fields", GET + HOST + b"Connection: x" + b"," * 59000 + b"\r\n" + fields(95, 1) + b"\r\n", 0, OK),
    ("Cookie: 60 KiB of crumbs", GET + HOST + b"Cookie: " + b"a=b; " * 12000 + b"a=b\r\n\r\n", 0, OK),
    ("X-Forwarded-For: 8,000 addresses", GET + HOST + b"X-Forwarded-For: " + b"1.1.1.1" + b",1.1.1.1" * 7000 + b"\r\n\r\n", 0, OK),
    ("Via: 98 fields", GET + HOST + b"Via: 1.1 a\r\n" * 98 + b"\r\n", 0, OK),
    ("target: 16 KiB", b"GET /" + b"a" * 16000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 0, OK),
    ("target: 16 KiB of escapes", b"GET /" + b"%61" * 5300 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 0, OK),
    ("target: 16 KiB of /../", b"GET /" + b"a/../" * 3200 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 0, OK),
    ("target: 8,000 slashes, then /..", b"GET " + b"/a" * 4000 + b"/.." * 2600 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 0, OK),
    ("target: a route's path, 1,000 segments", b"GET " + b"/a" * 1000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 0, OK),
    ("host: 60 KiB", GET + b"Host: " + b"a" * 60 * K + b"\r\n\r\n", 0, OK),
    ("host: 250 B, a route's but for the last letter", GET + b"Host: " + b"h" * 60 + b"." + b"h" * 60 + b".y\r\n\r\n", 0, OK),
    ("body: 1 MiB by length", b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % (K * K) + b"x" * K * K, 0, OK),
    ("body: 1 MiB in chunks of 16 KiB", post(chunks(16 * K, K * K)), 0, OK),
    ("body: 256 KiB in chunks of 1 KiB", post(chunks(K, 256 * K)), 0, OK),
    ("body: 64 KiB in chunks of 64 B", post(chunks(64, 64 * K)), 0, OK),
    ("body: 64 KiB in chunks of 1 B", post(chunks(1, 64 * K)), 0, OK),
    ("body: chunks of 1 B, extensions of 240 B", post(chunks(1, 400, b";" + b"e" * 240)), 0, OK),
    ("body: 32 trailers of 240 B", post(b"1\r\nx\r\n0\r\n" + fields(32, 240) + b"\r\n"), 0, OK),
    ("body: 4 KiB, a byte a segment", b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 4096\r\n\r\n" + b"x" * 4096, 1, OK),
    ("answer: 98 fields of 600 B", GET + HOST + b"\r\n", 0, answer(fields(98, 600))),
    ("answer: Connection of 30,000 options (502)", GET + HOST + b"\r\n", 0, answer(b"Connection: " + b"a," * 30000 + b"a\r\n" + fields(95, 1))),
    ("answer: 31 interim answers of 1 KiB", GET + HOST + b"\r\n", 0, (b"HTTP/1.1 103 Early Hints\r\n" + fields(1, K) + b"\r\n") * 31 + OK),
    ("answer: 1 MiB in chunks of 16 KiB", GET + HOST + b"\r\n", 0, chunked_answer(chunks(16 * K, K * K))),
    ("answer: 64 KiB in chunks of 64 B", GET + HOST + b"\r\n", 0, chunked_answer(chunks(64, 64 * K))),
    ("answer: 64 KiB in chunks of 1 B", GET + HOST + b"\r\n", 0, chunked_answer(chunks(1, 64 * K))),
]


def cpu(pid):
    """CPU seconds of all threads."""
    return sum(int(open(path).read().split()[0]) for path in glob.glob("/proc/%d/task/*/schedstat" % pid)) / 1e9


class Client:
    def __init__(self, port):
        self.port = port
        self.socket = None

    def connect(self):
        self.socket = socket.create_connection(("127.0.0.1", self.port), 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket = None

    def send(self, data, piece):
        if not piece:
            return self.socket.sendall(data)
        for i in range(0, len(data), piece):
            self.socket.send(data[i : i + piece])

    def ask(self, data, piece):
        """The status; the answer is read to its end."""
        if not self.socket:
            self.connect()
        sender = threading.Thread(target=self.try_send, args=(data, piece)) if len(data) > 200 * K else None
        sender.start() if sender else self.try_send(data, piece)
        got = b""
        try:
            while not self.whole(got):
                more = self.socket.recv(262144)
                if not more:
                    break
                got = got + more if len(got) < 128 * K else got[: 64 * K] + (got[64 * K :] + more)[-32:]
        except OSError:
            pass
        if sender:
            sender.join()
        if b"\r\nConnection: close\r\n" in got or not got:
            self.close()
        return int(self.final(got)[9:12] or 0)

    def try_send(self, data, piece):
        try:
            self.send(data, piece)
        except OSError:
            pass

    @staticmethod
    def final(got):
        """Without the interim answers in front of it."""
        while got.startswith(b"HTTP/1.1 1"):
            end = got.find(b"\r\n\r\n")
            got = got[end + 4 :] if end >= 0 else b""
        return got

    @staticmethod
    def whole(got):
        got = Client.final(got)
        end = got.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = got[: end + 2]
        if b"\r\nTransfer-Encoding: chunked\r\n" in head:
            return got.endswith(b"0\r\n\r\n")
        at = head.find(b"\r\nContent-Length: ")
        return at >= 0 and len(got) >= end + 4 + int(head[at + 18 :].split(b"\r\n")[0])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("quoll")
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    upstream = Upstream()
    listening, admin = free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "quoll.yaml")
        with open(path, "w") as file:
            file.write(
                "listen: 127.0.0.1:%d\nadmin: 127.0.0.1:%d\nupstream: http://127.0.0.1:%d\nfallback: off\n"
                "timeout: 10s\nlog_level: off\nbreaker: {mode: disabled}\nroutes:\n" % (listening, admin, upstream.port)
                + "  - {name: deep, path: %s}\n" % ("/a" * 1000)
                + "  - {name: host, host: %s}\n" % ("h" * 60 + "." + "h" * 60 + ".x")
            )
        proxy = subprocess.Popen([arguments.quoll, "proxy", "--config", path])
        try:
            time.sleep(0.3)
            print("%-54s %6s %9s %11s %9s" % ("message", "status", "bytes", "us/request", "ns/byte"))
            for name, request, piece, reply in CASES:
                if arguments.only not in name:
                    continue
                upstream.answer = reply
                client = Client(listening)
                status = client.ask(request, piece)  # warm
                asked, end, before = 0, time.time() + arguments.seconds, cpu(proxy.pid)
                while time.time() < end:
                    status = client.ask(request, piece)
                    asked += 1
                spent = cpu(proxy.pid) - before
                client.close()
                wire = len(request) + len(reply)
                print("%-54s %6d %9d %11.1f %9.1f" % (name, status, wire, spent / asked * 1e6, spent / asked * 1e9 / wire), flush=True)
        finally:
            proxy.terminate()
            proxy.wait()


if __name__ == "__main__":
    main()
