# A server of both pairs of messages written from PROTOCOL.md alone (R1 to R36):
#   python3 fetch_server.py FOLDER [options]
# Prints its port, then serves every client in a thread until stdin ends.
import argparse
import hashlib
import os
import socket
import struct
import sys
import threading

PREAMBLES = (b"\x16", b"PROXY ", b"\r\n\r\n\0")  # R36
DIGEST, IF_THIS, IF_OTHER, CONTENT, TIME = 0x01, 0x02, 0x04, 0x02, 0x10


def pair_answer(kind, status, rest=b""):
    """A response of the pair that `kind` is the request of."""
    return struct.pack(">HBBL", 0x497E, 4 if kind == 3 else 2, status, len(rest)) + rest


def malformed(seen):
    """The answer of R5 to bytes that may be cut anywhere, or None while they show no fault."""
    if not b"\x49\x7E".startswith(seen[:2]):
        return pair_answer(1, 2)
    if len(seen) < 3:
        return None
    kind = seen[2]
    if kind not in (1, 3):
        return pair_answer(1, 2)
    least, most = (1, 1024) if kind == 1 else (30, 1053)
    length = int.from_bytes(seen[3:5], "big")
    fault = len(seen) > 3 and seen[3] > most >> 8
    fault |= len(seen) > 4 and not least <= length <= most
    if kind == 3 and len(seen) > 5:
        flags, offset, tag = seen[5], seen[6:14], seen[18:34]
        fault |= flags & 0x08 or flags & 0x06 == 0x06  # R21, R18
        fault |= flags & IF_OTHER and any(offset)
        fault |= not flags & (IF_THIS | IF_OTHER) and any(tag)
    if not fault and len(seen) >= 5 + length:
        try:
            seen[5 if kind == 1 else 34 : 5 + length].decode()
        except UnicodeDecodeError:
            fault = True
    return pair_answer(kind, 2) if fault else None


class Server:
    def __init__(self, options):
        self.options = options

    def load(self, name):
        """Content and modification time of one version (R25), or None: not found (R8)."""
        # The short way: this folder has only files, and only these are served.
        if name not in os.listdir(self.options.folder):
            return None
        with open(os.path.join(self.options.folder, name), "rb") as file:
            while True:
                before, data, after = os.fstat(file.fileno()), file.read(), os.fstat(file.fileno())
                if (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns):
                    return data, before.st_mtime_ns
                file.seek(0)

    def response(self, name):  # R3
        found = self.load(name)
        return pair_answer(1, 1, found[0]) if found else pair_answer(1, 0)

    def answer(self, flags, offset, limit, asked, name):
        """The response to a FETCH: the first status that holds (R19)."""
        found = self.load(name)
        if not found:
            return pair_answer(3, 0)
        data, time = found
        digest = hashlib.sha256(data).digest()
        content, hint = digest[:16], hashlib.sha256(struct.pack(">Qq", len(data), time)).digest()[:16]
        tags = {hint: 0} if self.options.hints else {hint: 0, content: CONTENT}  # R23
        own = hint if self.options.hints else content
        tag = asked if flags & (IF_THIS | IF_OTHER) and asked in tags else own
        if flags & IF_THIS and tag != asked:
            status = 3
        elif flags & IF_OTHER and tag == asked:
            status = 5
        else:
            status = 4 if offset > len(data) else 1
        has_digest = flags & DIGEST and not self.options.hints
        extra = (digest if has_digest else b"") + (struct.pack(">q", time) if flags & TIME else b"")
        extra += bytes(self.options.unknown)  # what a later version may add (R19)
        kinds = tags[tag] | (DIGEST if has_digest else 0) | flags & TIME
        known = struct.pack(">BBQQ16s", kinds, 34 + len(extra), len(data), offset, tag) + extra
        most = min(limit, self.options.most, 0xFFFFFFFF - len(known))  # R20
        return pair_answer(3, status, known + (data[offset : offset + most] if status == 1 else b""))

    def send(self, connection, answer):
        """Sends in pieces (R4). False if the test wants the connection cut here."""
        cut = self.options.stop_after is not None and len(answer) > self.options.stop_after
        answer = answer[: self.options.stop_after]
        for at in range(0, len(answer), self.options.piece):
            connection.sendall(answer[at : at + self.options.piece])
        return not cut

    def exchanges(self, connection):
        seen, is_first = b"", True
        while True:
            if is_first and seen.startswith(PREAMBLES):
                return
            may_be_preamble = is_first and any(it.startswith(seen) for it in PREAMBLES)
            fault = None if may_be_preamble else malformed(seen)
            if fault:
                self.send(connection, fault)
                return
            end = 5 + int.from_bytes(seen[3:5], "big")
            if len(seen) < 5 or len(seen) < end:
                connection.settimeout(10 if is_first or seen else self.options.keep_alive)  # R33
                piece = connection.recv(65536)
                if not piece:
                    return  # R6, R33
                seen += piece
                continue
            request, seen, is_first = seen[:end], seen[end:], False
            if request[2] == 1:
                self.send(connection, self.response(request[5:].decode()))
                return
            fields = struct.unpack_from(">BQL16s", request, 5)
            if not self.send(connection, self.answer(*fields, request[34:].decode())):
                return

    def serve(self, connection):
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                self.exchanges(connection)
            except OSError:
                pass  # silence, or the client gave up, as it may (R34)
            try:
                connection.shutdown(socket.SHUT_WR)
                connection.settimeout(2)
                while connection.recv(65536):  # R7
                    pass
            except OSError:
                pass


def main():
    options = argparse.ArgumentParser()
    options.add_argument("folder")
    options.add_argument("--piece", type=int, default=1 << 20)  # bytes per write
    options.add_argument("--stop-after", type=int)  # bytes of an answer, then the connection ends
    options.add_argument("--most", type=int, default=1 << 32)  # bytes of data in an answer (R20)
    options.add_argument("--unknown", type=int, default=0)  # bytes at the end of the known part
    options.add_argument("--keep-alive", type=float, default=15)  # seconds
    options.add_argument("--hints", action="store_true")  # hashes nothing
    options = options.parse_args()

    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    server = Server(options)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=server.serve, args=(connection,), daemon=True).start()


main()
