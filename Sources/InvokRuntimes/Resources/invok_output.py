"""Has what is printed in the log at once, and whole: threads that print at a time do not share lines.

Python writes a line and its end apart, so without a buffer others come in between, and with one the last words before a
kill are lost. Here each thread's words wait for the end of their line, two tenths of a second at most, and leave before
the process where that ends itself.
"""

import _signal
import _thread
import atexit
import io
import os
import sys
import time

LOOK_SECONDS = 0.1
# Looks that find nothing, after which nobody looks until there is something.
IDLE_LOOKS = 10
LONG = 8192

_lock = _thread.RLock()
_parked = _thread.allocate_lock()
_parked.acquire()
# How many looks have found nothing; None while nobody looks.
_looks = None
# Whether the interpreter ends, and only its main thread writes.
_is_ending = False


class Lines(io.TextIOWrapper):
    """A standard stream that is written to by lines."""

    def __init__(self, stream):
        encoding = stream.encoding
        super().__init__(stream.detach(), encoding=encoding, errors="backslashreplace", write_through=True)
        # What waits for its end, by thread, and what has been waiting at the last look.
        self.words = {}
        self.seen = {}

    def write(self, text):
        with _lock:
            thread = _thread.get_ident()
            words = self.words.pop(thread, "") + text
            # An empty text ends what is printed with `end=""`.
            if text and text[-1] != "\n" and len(words) < LONG and not _is_ending:
                self.words[thread] = words
                look()
            elif words:
                self.say(words)
        return len(text)

    def flush(self):
        with _lock:
            self.say(self.words.pop(_thread.get_ident(), ""))

    def say(self, words):
        super().write(words)
        super().flush()

    def say_what_waits(self, only_seen=False):
        """Writes what has no end yet. Whether there was any."""
        waiting = dict(self.words)
        for thread, words in waiting.items():
            if not only_seen or self.seen.get(thread) is words:
                self.say(self.words.pop(thread))
        self.seen = dict(self.words)
        return bool(waiting)


def streams():
    return [stream for stream in (sys.stdout, sys.stderr) if isinstance(stream, Lines)]


def look():
    """Sees to it that what waits is written, with the lock held."""
    global _looks
    looks, _looks = _looks, 0
    if looks is None:
        _thread.start_new_thread(keep_looking, ())
    elif looks >= IDLE_LOOKS:
        _parked.release()


def keep_looking():
    global _looks
    while True:
        time.sleep(LOOK_SECONDS)
        with _lock:
            found = [stream.say_what_waits(only_seen=True) for stream in streams()]
            _looks = 0 if any(found) else _looks + 1
            is_idle = _looks >= IDLE_LOOKS
        if is_idle:
            _parked.acquire()


def after_last_words(function):
    def ending(*arguments):
        try:
            with _lock:
                for stream in streams():
                    stream.say_what_waits()
        except (OSError, ValueError):
            pass  # It has been closed.
        return function(*arguments)

    return ending


def end():
    """Says what waits, and keeps the lock for good.

    Python stops a daemon thread where it next takes the interpreter. In the midst of a write it would keep its stream,
    and Python, which writes the last words itself, would abort or wait for ever. Without the lock none is there.
    """
    global _is_ending
    _lock.acquire()
    _is_ending = True
    try:
        for stream in streams():
            stream.say_what_waits()
    except (OSError, ValueError):
        pass  # It has been closed.


def leave_fork():
    """What waits is the parent's to write, and so is the thread that looks for it."""
    global _lock, _parked, _looks
    _lock, _parked, _looks = _thread.RLock(), _thread.allocate_lock(), None
    _parked.acquire()
    for stream in streams():
        stream.words.clear()


def install():
    if sys.stdout is not None:
        sys.stdout = sys.__stdout__ = Lines(sys.stdout)
    if sys.stderr is not None:
        sys.stderr = sys.__stderr__ = Lines(sys.stderr)
    for name in ("kill", "killpg", "abort", "_exit"):
        setattr(os, name, after_last_words(getattr(os, name)))
    _signal.raise_signal = after_last_words(_signal.raise_signal)
    os.register_at_fork(after_in_child=leave_fork)
    # First of all, so that it is called last.
    atexit.register(end)
