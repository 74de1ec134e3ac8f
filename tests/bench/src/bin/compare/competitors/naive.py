"""The classic first file server: read the request, read the whole file, send it, close."""

import os
import socket
import struct
import sys


def receive(connection, length):
    data = b""
    while len(data) < length:
        piece = connection.recv(length - len(data))
        if not piece:
            raise ConnectionError("ended early")
        data += piece
    return data


def answer(connection, folder):
    magic, kind, length = struct.unpack("!HBH", receive(connection, 5))
    name = receive(connection, length).decode()
    try:
        with open(os.path.join(folder, name), "rb") as file:
            data = file.read()
    except OSError:
        connection.sendall(struct.pack("!HBBI", 0x497E, 2, 0, 0))
        return
    connection.sendall(struct.pack("!HBBI", 0x497E, 2, 1, len(data)) + data)


def main():
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(5)
    print("listening on %s:%d" % server.getsockname(), flush=True)
    while True:
        connection, _ = server.accept()
        with connection:
            try:
                answer(connection, sys.argv[1])
            except (ConnectionError, struct.error):
                pass


main()
