"""Become a program that ends when its parent does, under another user if asked.

Run as a script, with nothing but the standard library: this runs before each child of ours.
"""

import ctypes
import os
import sys

# From <linux/prctl.h>: the signal the kernel sends this process when its parent is gone.
PR_SET_PDEATHSIG = 1
# What a shell answers for a command that was found and could not be run.
CANNOT_EXECUTE = 126


def drop_privileges(uid: int) -> None:
    """Become the unprivileged user for good: groups first, while we still may."""
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
    # The folder we were started in may be closed to this user.
    os.chdir("/")


def die_with(parent_pid: int, signal_number: int) -> None:
    """Ask the kernel for the signal; leave at once if the parent was gone before we asked."""
    if sys.platform == "linux":
        if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) was refused")
        if os.getppid() != parent_pid:
            sys.exit(0)


def main(arguments: list[str]) -> None:
    """Take `PARENT_PID SIGNAL UID|- /PATH/PROGRAM ARGUMENT...` and become the program."""
    parent_pid, signal_number, uid, *program = arguments
    # What children write is for their own user alone.
    os.umask(0o077)
    if uid != "-":
        drop_privileges(int(uid))
    # After the change of user: that clears the wish.
    die_with(int(parent_pid), int(signal_number))
    try:
        # By its path: to search for it, Python would load modules which this user may not read.
        os.execv(program[0], program)  # noqa: S606 (the program is named by our own code)
    except OSError as error:
        sys.stderr.write(f"{program[0]} cannot be run: {error.strerror}\n")
        sys.exit(CANNOT_EXECUTE)


if __name__ == "__main__":
    main(sys.argv[1:])
