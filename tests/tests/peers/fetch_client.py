# A client of FETCH (R18 to R36) written from PROTOCOL.md alone:
#   python3 fetch_client.py HOST PORT FOLDER NAME_IN_HEX... [options]
# Each file goes to FOLDER, under its name. The first request leaves alone, those of the other files in
# one write behind its answer (R31). What is unfinished is kept as NAME.part and NAME.record, and the next
# run goes on there. Prints a line per file. The exit code is the first failure's: 3 not found, 4 the
# request is malformed, 5 not a response, 6 cut short, 7 the hash is wrong, 8 changed, 9 not now.
import argparse
import collections
import hashlib
import json
import os
import socket
import struct
import sys

ALL = 0xFFFFFFFF
DIGEST, IF_THIS, IF_OTHER, CONTENT, TIME = 0x01, 0x02, 0x04, 0x02, 0x10
Asked = collections.namedtuple("Asked", "flags offset limit tag name")
Known = collections.namedtuple("Known", "status content total tag digest time data_len")


class Failed(Exception):
    """The exchange is over: with an exit code and a sentence."""


class FirstPair(Exception):
    """The server knows only types 1 and 2 (R35)."""


class Gone(Exception):
    """The connection ended before the first byte of a second or later answer (R33)."""


def require(holds, what):
    if not holds:
        raise Failed(5, f"not a response: {what}")


def receive(connection, length):
    """Exactly `length` bytes."""
    received = bytearray()
    while len(received) < length:
        piece = connection.recv(min(65536, length - len(received)))
        if not piece:
            raise Failed(6, "cut short")
        received += piece
    return bytes(received)


def encode(asked):  # R18
    rest = struct.pack(">BQL16s", asked.flags, asked.offset, asked.limit, asked.tag) + asked.name
    return struct.pack(">HBH", 0x497E, 3, len(rest)) + rest


def read_known(connection, asked, record):
    """What a response says before its data (R19), if it may say so (R11, R21, R22)."""
    magic, kind, status, rest = struct.unpack(">HBBL", receive(connection, 8))
    if (magic, kind, status, rest) == (0x497E, 2, 2, 0):
        raise FirstPair
    require(magic == 0x497E and kind == 4 and status <= 6, "magic, type or status")
    if status in (0, 2, 6):
        require(rest == 0 or (status == 6 and rest == 2), "a length without a file")
        receive(connection, rest)
        return Known(status, 0, 0, b"", None, None, 0)
    require(rest >= 34, "less than the least that is known")
    flags, k, total, offset, tag = struct.unpack(">BBQQ16s", receive(connection, 34))
    has_digest, has_time = flags & DIGEST, flags & TIME
    require(not flags & 0x0C, "a flag that must not be overlooked")
    require(34 + (32 if has_digest else 0) + (8 if has_time else 0) <= k <= rest, "k")
    more = receive(connection, k - 34)
    digest = more[:32] if has_digest else None
    time = struct.unpack_from(">q", more, 32 if has_digest else 0)[0] if has_time else None
    m = rest - k
    require(total < 1 << 63, "total")
    require(offset == asked.offset, "offset")
    require(not digest or asked.flags & DIGEST, "a digest that was not asked for")
    require(not digest or not flags & CONTENT or digest.startswith(tag), "digest and tag")
    if status == 1:
        require(offset <= total, "data from beyond the end")
        most = min(asked.limit, total - offset)
        require(m <= most and (m > 0 or most == 0), "length of the data")
        if asked.flags & IF_THIS:
            require(tag == asked.tag, "another tag")
            require([total, flags & CONTENT] == [record["total"], record["content"]], "another version")
    else:
        require(m == 0, "data without status 1")
        require(status != 3 or (asked.flags & IF_THIS and tag != asked.tag), "changed")
        require(status != 4 or offset > total, "beyond the end")
        require(status != 5 or (asked.flags & IF_OTHER and tag == asked.tag), "unchanged")
    return Known(status, flags & CONTENT, total, tag, digest, time, m)


class File:
    """A file on its way: part and record (R27), which says how much of the part is durable (R28)."""

    def __init__(self, folder, name):
        self.name, self.target = name, os.path.join(folder, name.decode())
        self.part, self.record_path = self.target + ".part", self.target + ".record"
        self.record = None
        if os.path.exists(self.part) and os.path.exists(self.record_path):
            with open(self.record_path) as kept:
                self.record = json.load(kept)
        else:
            self.drop()

    def drop(self):
        """Forgets the part, the record first: no byte is written while an old record stands."""
        self.record = None
        for path in (self.record_path, self.part):
            if os.path.exists(path):
                os.remove(path)

    def ask(self, options):
        tag, offset, condition = bytes(16), 0, 0
        limit = 0 if options.stat else options.limit
        if self.record:
            tag, offset, condition = bytes.fromhex(self.record["tag"]), self.record["count"], IF_THIS
            limit = 0 if offset == self.record["total"] else limit  # R29
        elif options.if_changed and os.path.exists(self.target):
            with open(self.target, "rb") as target:
                tag, condition = hashlib.sha256(target.read()).digest()[:16], IF_OTHER
        wanted = 0 if options.plain or (self.record and self.record["digest"]) else DIGEST
        wanted |= TIME if options.stat else 0
        return Asked(wanted | condition, offset, limit, tag, self.name)

    def take(self, connection, known):
        """Writes the data to the part, then counts it: also what came of an answer that is cut."""
        old = self.record or {"count": 0, "exchanges": 0, "digest": None}
        left = known.data_len
        with open(self.part, "r+b" if self.record else "w+b") as part:
            part.seek(old["count"])
            try:
                while left:
                    piece = connection.recv(min(left, 65536))
                    if not piece:
                        raise Failed(6, "cut short")
                    part.write(piece)
                    left -= len(piece)
            finally:
                part.truncate()
                part.flush()
                os.fsync(part.fileno())
                self.record = {
                    "tag": known.tag.hex(), "content": known.content, "total": known.total,
                    "digest": known.digest.hex() if known.digest else old["digest"],
                    "count": old["count"] + known.data_len - left, "exchanges": old["exchanges"] + 1,
                }
                with open(self.record_path + "~", "w") as record:
                    json.dump(self.record, record)
                os.replace(self.record_path + "~", self.record_path)

    def finish(self):
        """Proves that the part is whole, from what is on the disk (R26), and gives it its name (R14)."""
        record = self.record
        with open(self.part, "rb") as part:
            digest = hashlib.sha256(part.read()).hexdigest()
        right = not record["content"] or digest.startswith(record["tag"])
        if not right or record["digest"] not in (None, digest):
            self.drop()
            raise Failed(7, "the hash is wrong")
        os.remove(self.record_path)
        os.rename(self.part, self.target)
        if record["content"] or record["digest"]:
            return "verified"
        return "unproven" if record["exchanges"] > 1 else "whole"

    def judge(self, connection, asked, options):
        """Reads one answer. A sentence if the file is done, None if there is more to ask for."""
        known = read_known(connection, asked, self.record)
        if known.status in (0, 2, 6):
            code, what = {0: (3, "not found"), 2: (4, "malformed"), 6: (9, "not now")}[known.status]
            raise Failed(code, what)
        if known.status in (3, 4):
            self.drop()  # R29
            raise Failed(8, "changed")
        if known.status == 5:
            return "unchanged"
        if options.stat:
            tag = f"{'content' if known.content else 'hint'}:{known.tag.hex()}"
            digest = known.digest.hex() if known.digest else None
            return f"total={known.total} tag={tag} digest={digest} time={known.time}"
        self.take(connection, known)
        return self.finish() if self.record["count"] == known.total else None


class Client:
    def __init__(self, options):
        self.options, self.connection, self.answers, self.fetches = options, None, 0, False

    def connect(self):
        self.close()
        address = (self.options.host, self.options.port)
        self.connection, self.answers = socket.create_connection(address, timeout=30), 0
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def send(self, message):
        for at in range(0, len(message), 1 if self.options.slow else len(message)):
            self.connection.sendall(message[at : at + 1] if self.options.slow else message)

    def answer(self, file, asked):
        if self.answers:
            try:
                ended = not self.connection.recv(1, socket.MSG_PEEK)
            except OSError:
                ended = True
            if ended:
                raise Gone
        done = file.judge(self.connection, asked, self.options)
        self.answers, self.fetches = self.answers + 1, True
        return done

    def fetch(self, file):
        """Asks until the file is done, going on after a connection that ended early."""
        left = self.options.tries
        while True:
            try:
                if not self.connection:
                    self.connect()
                asked = file.ask(self.options)
                self.send(encode(asked))
                done = self.answer(file, asked)
                if done:
                    return done
            except FirstPair:
                self.close()
                all_of_it = Asked(asked.flags & DIGEST, 0, ALL, bytes(16), file.name)
                if self.fetches or self.options.insist or asked != all_of_it:
                    raise Failed(5, "an answer of type 2") from None
                return self.first_pair(file)
            except Gone:
                self.close()
            except (Failed, OSError) as failure:
                code = failure.args[0] if isinstance(failure, Failed) else 6
                left -= 1
                if code not in (3, 8, 9):  # after these the connection stays open (R32)
                    self.close()
                if code not in (6, 8) or not left:
                    raise

    def first_pair(self, file):
        """Asks once more, as R2 says, on a new connection (R35)."""
        self.connect()
        self.send(struct.pack(">HBH", 0x497E, 1, len(file.name)) + file.name)
        magic, kind, status, length = struct.unpack(">HBBL", receive(self.connection, 8))  # R3
        require(magic == 0x497E and kind == 2 and status <= 2 and (status == 1 or not length), "type 2")
        if status != 1:
            raise Failed(*{0: (3, "not found"), 2: (4, "malformed")}[status])
        data = receive(self.connection, length)
        self.close()
        with open(file.target, "wb") as target:
            target.write(data)
        return "whole by the first pair"

    def pipeline(self, files):
        """Sends all requests in one write and yields the answers, until one is cut short."""
        asked = [file.ask(self.options) for file in files]
        self.send(b"".join(map(encode, asked)))
        self.connection.shutdown(socket.SHUT_WR)
        for file, one in zip(files, asked):
            try:
                yield file, self.answer(file, one)
            except Failed as failure:
                if failure.args[0] not in (3, 7, 9):
                    break  # what is left is asked for again, one by one
                yield file, failure
            except (FirstPair, Gone, OSError):
                break
        self.close()


def main():
    options = argparse.ArgumentParser()
    options.add_argument("host")
    options.add_argument("port", type=int)
    options.add_argument("folder")
    options.add_argument("names", nargs="+", type=bytes.fromhex)
    options.add_argument("--limit", type=int, default=ALL)  # bytes in one answer
    options.add_argument("--tries", type=int, default=1)  # requests for one file
    options.add_argument("--if-changed", action="store_true")
    options.add_argument("--stat", action="store_true")
    options.add_argument("--plain", action="store_true")  # wants neither digest nor time
    options.add_argument("--insist", action="store_true")  # on FETCH: no fallback
    options.add_argument("--slow", action="store_true")  # a byte per write (R4)
    options = options.parse_args()

    client = Client(options)
    files = [File(options.folder, name) for name in options.names]
    done, codes = {}, []
    for at, file in enumerate(files):
        if at == 1 and client.connection:
            done.update(client.pipeline(files[1:]))
        try:
            how = done.get(file) or client.fetch(file)
            if isinstance(how, Failed):
                raise how
            print(how)
        except Failed as failure:
            print(failure.args[1])
            codes.append(failure.args[0])
        except OSError as error:
            print(error)
            codes.append(6)
    return codes[0] if codes else 0


sys.exit(main())
