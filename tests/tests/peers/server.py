# A server written from PROTOCOL.md alone: python3 server.py FOLDER [--piece N] [--stop-after N]
# Prints its port, then answers one client after another until stdin ends. --piece: bytes per write
# (R4). --stop-after: closes after this many bytes of the response (R12).
import argparse
import os
import socket
import struct
import sys
import threading


def receive(connection, length):
    """Exactly `length` bytes, or None if the connection ends before."""
    received = b""
    while len(received) < length:
        piece = connection.recv(length - len(received))
        if not piece:
            return None
        received += piece
    return received


def answer(folder, connection):
    """The response, or None where there is none to be given (R6)."""
    malformed = struct.pack(">HBBL", 0x497E, 2, 2, 0)
    header = receive(connection, 5)
    if header is None:
        return None
    magic, kind, length = struct.unpack(">HBH", header)
    if magic != 0x497E or kind != 1 or not 1 <= length <= 1024:  # R5
        return malformed
    name = receive(connection, length)
    if name is None:
        return None
    try:
        name = name.decode()
    except UnicodeDecodeError:
        return malformed
    # R8, the short way: this folder has only files, and only these are served.
    if name not in os.listdir(folder):
        return struct.pack(">HBBL", 0x497E, 2, 0, 0)
    with open(os.path.join(folder, name), "rb") as file:
        data = file.read()
    return struct.pack(">HBBL", 0x497E, 2, 1, len(data)) + data


def main():
    options = argparse.ArgumentParser()
    options.add_argument("folder")
    options.add_argument("--piece", type=int, default=1 << 20)
    options.add_argument("--stop-after", type=int)
    options = options.parse_args()

    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    while True:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(30)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                response = (answer(options.folder, connection) or b"")[: options.stop_after]
                for at in range(0, len(response), options.piece):
                    connection.sendall(response[at : at + options.piece])
                connection.shutdown(socket.SHUT_WR)
                connection.recv(1)  # R7: the client closes first, so nothing is destroyed
            except OSError:
                pass  # The client gave up, as it may.


main()
