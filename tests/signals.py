# SPDX-License-Identifier: MIT
"""The signals that tests and the programs they start begin with."""
import signal

PYTHON = {signal.SIGPIPE, signal.SIGXFSZ}  # Python ignores these for itself; subprocess gives a child their defaults


def restore_defaults(keep=()):
    """Gives this process, and so all that it starts, the default action of every ignored signal but `keep`, and an empty mask.

    A shell that is no terminal's starts `command &` with SIGINT and SIGQUIT ignored, and a program inherits that across exec."""
    for number in signal.valid_signals() - PYTHON - set(keep):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
