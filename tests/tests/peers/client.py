# A client written from PROTOCOL.md alone: python3 client.py HOST PORT FILENAME_IN_HEX [--slow]
# The file goes to stdout. Exit codes: 0 whole, 3 not found, 4 malformed, 5 not a response, 6 truncated.
import socket
import struct
import sys


def receive(connection, length):
    """Up to `length` bytes: fewer only if the connection ends."""
    received = b""
    while len(received) < length:
        piece = connection.recv(min(65536, length - len(received)))
        if not piece:
            break
        received += piece
    return received


def main():
    host, port, name = sys.argv[1], int(sys.argv[2]), bytes.fromhex(sys.argv[3])
    request = struct.pack(">HBH", 0x497E, 1, len(name)) + name  # R2
    with socket.create_connection((host, port), timeout=30) as connection:
        if "--slow" in sys.argv:  # R4: a byte at a time, each in a segment of its own
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in request:
                connection.sendall(bytes([byte]))
        else:
            connection.sendall(request)
        header = receive(connection, 8)  # R3
        if len(header) < 8:
            return 6
        magic, kind, status, length = struct.unpack(">HBBL", header)
        if magic != 0x497E or kind != 2 or status > 2 or (status != 1 and length != 0):  # R11
            return 5
        data = receive(connection, length)
        sys.stdout.buffer.write(data)
        if len(data) < length:  # R12
            return 6
        if connection.recv(1):  # R1: the server closes, having sent what it announced (R10)
            return 5
    return {0: 3, 1: 0, 2: 4}[status]


sys.exit(main())
