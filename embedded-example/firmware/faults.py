# A server that goes wrong in one way: python3 faults.py FAULT. Prints its port, takes one connection,
# and ends with it, after a minute at the latest. The bytes are PROTOCOL.md's, R3.
import socket
import struct
import sys
import time

HEADER = b"\x49\x7e\x02\x01" + struct.pack(">L", 100)

# What is answered to the request, and how the connection ends: by FIN, by RST, or not at all.
FAULTS = {
    "truncates": (HEADER + b"short", "fin"),
    "truncates-header": (HEADER[:5], "fin"),
    "resets": (HEADER + b"short", "rst"),
    "not-found": (b"\x49\x7e\x02\x00" + bytes(4), "fin"),
    "malformed": (b"\x49\x7e\x02\x02" + bytes(4), "fin"),
    "garbage": (b"HTTP/1.1 400 Bad Request\r\n\r\n", "fin"),
    "closes": (b"", "fin"),
    "silent": (b"", None),
    "stops": (HEADER + b"short", None),
}


def main():
    answer, end = FAULTS[sys.argv[1]]
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    listener.settimeout(60)
    connection, _ = listener.accept()
    connection.settimeout(60)
    connection.recv(5 + 1024)
    connection.sendall(answer)
    if end == "rst":
        # Not before the client has the data: a reset overtakes it.
        time.sleep(0.3)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        return
    elif end == "fin":
        connection.shutdown(socket.SHUT_WR)
    try:
        connection.recv(1)  # until the client closes
    except OSError:
        pass


main()
