"""Runs a command with the system calls and address families that a unit of systemd allows, by seccomp as systemd does it. For x86-64.

Usage: unit-sandbox.py '{"calls": ["read", …], "families": ["AF_INET", …], "kills": true}' command …
"""
import ctypes
import errno
import json
import os
import re
import socket
import struct
import sys

PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, FILTER = 22, 38, 2
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
KILL, ERROR, ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
NUMBER, FIRST_ARGUMENT = 0, 16
HEADER = "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"

wanted = json.loads(sys.argv[1])
with open(HEADER) as header:
    numbers = dict(re.findall(r"#define __NR_(\w+) (\d+)", header.read()))


def step(code, value, when_true=0, when_false=0):
    return struct.pack("HBBI", code, when_true, when_false, value)


families = [getattr(socket, name) for name in wanted["families"]]
count = len(families)
program = [step(LOAD, NUMBER), step(EQUAL, int(numbers["socket"]), 0, count + 3), step(LOAD, FIRST_ARGUMENT)]
program += [step(EQUAL, family, count - at) for at, family in enumerate(families)]
program += [step(RETURN, ERROR | errno.EAFNOSUPPORT), step(RETURN, ALLOW)]
for name in wanted["calls"]:
    # System calls of other architectures, or newer than the header.
    if name in numbers:
        program += [step(EQUAL, int(numbers[name]), 0, 1), step(RETURN, ALLOW)]
program.append(step(RETURN, KILL if wanted["kills"] else ERROR | errno.EPERM))


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("steps", ctypes.c_void_p)]


steps = ctypes.create_string_buffer(b"".join(program))
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
loaded = Program(len(program), ctypes.cast(steps, ctypes.c_void_p))
if libc.prctl(PR_SET_SECCOMP, FILTER, ctypes.byref(loaded), 0, 0) != 0:
    sys.exit(f"no seccomp here: {os.strerror(ctypes.get_errno())}")
os.execvp(sys.argv[2], sys.argv[2:])
