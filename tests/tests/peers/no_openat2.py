# Becomes a program whose system call openat2 is refused: python3 no_openat2.py ERRNO PROGRAM ARGUMENT...
# ERRNO is the error of that call: ENOSYS as by an old kernel, EPERM as by a sandbox.
import ctypes
import errno
import os
import struct
import sys

OPENAT2 = 437  # on every architecture
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06  # struct sock_filter: code, jump if so, if not, value
RET_ERRNO, RET_ALLOW = 0x00050000, 0x7FFF0000


class Program(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def main():
    refusal = getattr(errno, sys.argv[1])
    instructions = [
        (LOAD, 0, 0, 0),  # the system call's number
        (JUMP_IF_EQUAL, 0, 1, OPENAT2),
        (RETURN, 0, 0, RET_ERRNO | refusal),
        (RETURN, 0, 0, RET_ALLOW),
    ]
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in instructions)
    program = Program(len(instructions), code)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(
        PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0
    ):
        sys.exit(f"no filter: {os.strerror(ctypes.get_errno())}")
    # A filter that does nothing would make every test of it pass.
    if libc.syscall(OPENAT2, -1, None, None, 0) != -1 or ctypes.get_errno() != refusal:
        sys.exit("openat2 is not refused")
    os.execvp(sys.argv[2], sys.argv[2:])


main()
