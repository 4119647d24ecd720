"""Runs a command on a terminal of its own and types a passphrase at each prompt for one.

The passphrase comes on stdin, what the command shows goes to stdout. The exit status is the command's.
"""

import os
import pty
import sys

passphrase = sys.stdin.buffer.readline().rstrip(b"\n") + b"\n"
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])

pending = b""
while True:
    try:
        shown = os.read(terminal, 4096)
    except OSError:
        break
    if not shown:
        break
    os.write(1, shown)
    pending += shown
    if b"passphrase" in pending and pending.endswith(b": "):
        os.write(terminal, passphrase)
        pending = b""

sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
