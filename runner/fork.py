"""Forks kernels of IPython from a process that has their imports done.

Started by huntbook as "python fork.py FOLDER MODULES [ARGUMENT...]": a folder for files
that no kernel needs, modules to import (with commas), arguments of every kernel. It
reads a JSON object a line from standard input, {"id", "connection", "folder"}, forks a
kernel for each and answers on standard output with {"id", "pid"} or {"id", "error"}. It
tells the end of a kernel with {"pid", "code"}, the code being a signal's number below 0.
When its input ends, all its kernels end with it.
"""

import gc
import importlib
import importlib.util
import json
import os
import select
import signal
import sys
import threading


def main(folder, modules, arguments):
    assert sys.version_info >= (3, 9)  # whoever starts this starts kernels one by one then
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what imports print is no answer
    del sys.path[0]  # the folder of this file
    os.environ["JPY_PARENT_PID"] = str(os.getpid())
    from ipykernel import kernelapp  # noqa: F401

    for name in filter(None, modules.split(",")):
        load(name)
    preload(folder, arguments)
    if threading.active_count() > 1:
        sys.exit("an import has started threads, which a fork would lose")
    gc.collect()
    gc.freeze()
    serve(answers, arguments)


def load(name):
    try:
        importlib.import_module(name)
    except Exception:  # it is not there, or not on its own
        sys.modules.pop(name, None)


def preload(folder, arguments):
    """Imports what a kernel imports while it starts."""
    known = set(sys.modules)
    names, found = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(names)
            become_kernel(os.path.join(folder, "first.json"), "/", arguments)
            with os.fdopen(found, "w") as out:
                out.write("\n".join(set(sys.modules) - known))
        finally:
            os._exit(0)
    os.close(found)
    with os.fdopen(names) as text:
        for name in text.read().split():
            # The debugger has modules that cannot be imported by these names.
            if "pydev" not in name and importlib_finds(name):
                load(name)
    os.waitpid(pid, 0)


def importlib_finds(name):
    try:
        return importlib.util.find_spec(name) is not None
    except Exception:
        return False


def become_kernel(connection, folder, arguments):
    """Makes this process a kernel that is ready to start."""
    from ipykernel import kernelapp

    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.chdir(folder)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()  # else all kernels draw the same numbers
    launcher = importlib.util.find_spec("ipykernel_launcher")
    sys.argv = [launcher.origin, "-f", connection, *arguments]
    app = kernelapp.IPKernelApp.instance()
    app.initialize(sys.argv[1:])
    return app


def serve(answers, arguments):
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    kernels = set()

    def answer(**values):
        print(json.dumps(values), file=answers, flush=True)

    def fork(request):
        try:
            pid = os.fork()
        except OSError as error:
            answer(id=request["id"], error=str(error))
            return
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setpgid(0, 0)
            for descriptor in (woken, wake, answers.fileno()):
                os.close(descriptor)
            become_kernel(request["connection"], request["folder"], arguments).start()
            sys.exit(0)
        try:
            os.setpgid(pid, pid)
        except OSError:  # it has ended already
            pass
        kernels.add(pid)
        answer(id=request["id"], pid=pid)

    def reap():
        while kernels:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            kernels.discard(pid)
            answer(pid=pid, code=os.waitstatus_to_exitcode(status))

    rest = b""
    while True:
        ready, _, _ = select.select([0, woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
            reap()
        if 0 not in ready:
            continue
        data = os.read(0, 65536)
        if not data:
            break
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            fork(json.loads(line))
    for pid in kernels:
        try:
            os.killpg(pid, signal.SIGKILL)
        except OSError:
            pass


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
