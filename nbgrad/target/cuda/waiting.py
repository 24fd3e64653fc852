"""What was queued on devices whose checks the host has not heard of yet: who needs numbers of a device asks here first."""

import threading

_waiting: list = []  # watches with runs that are not known to have gone well


def may_wait() -> bool:
    """Say whether checks of this thread may be heard of later: those of the main thread alone, the others wait for theirs."""
    return threading.current_thread() is threading.main_thread()


def wait_for(watch):
    """Note a watch that has such runs."""
    if watch not in _waiting:
        _waiting.append(watch)


def known():
    """Return when all checks that were queued are known to hold.

    Raises
    ------
    NbgradError
        What the first of them says that does not; everything queued behind it has done nothing.
    """
    while _waiting:
        _waiting[0].resolve()  # which takes itself back


def forget(watch):
    """Take a watch back."""
    if watch in _waiting:
        _waiting.remove(watch)
