"""Our kernel in Jupyter's hands: jupyter_kernel_test, and a front end's use of it."""

import os
import pathlib
import threading
import time
import unittest

import jupyter_kernel_test
import nbclient
import nbformat
from jupyter_client.manager import start_new_kernel


class KernelTest(jupyter_kernel_test.KernelTests):
    # What it skips there is nothing of: standard error, a pager, and an output that the
    # cell itself takes back.
    kernel_name = "huntbook"
    language_name = "huntbook"
    file_extension = ".hunt"
    code_hello_world = "%top 'hello, world'"
    code_generate_error = "%tabel"
    completion_samples = [
        {"text": "%ti", "matches": {"%timeline"}},
        {"text": "%top Comp", "matches": {"Company", "Computer"}},
        {"text": "%%sigma\nlevel: c", "matches": {"critical"}},
    ]
    complete_code_samples = ["%table", "rows = 5", "%%sigma\ntitle: x\n\n"]
    incomplete_code_samples = ["%%sigma\ntitle: x"]
    invalid_code_samples = ["import os"]
    code_display_data = [
        {"code": "%table --rows 1", "mime": "text/html"},
        {"code": "%timeline", "mime": "image/svg+xml"},
        {"code": "%top User --as vega-lite", "mime": "application/vnd.vegalite.v5+json"},
        {"code": "%json", "mime": "application/json"},
        {"code": "%csv", "mime": "text/csv"},
    ]
    code_execute_result = [
        {"code": "%last", "mime": "text/html"},
        {"code": "rows = 1\n%last", "mime": "text/plain"},
        {"code": "%last # once more"},
    ]
    code_history_pattern = "%last #*"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "%top Image"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.kc.execute_interactive("%data samples:\n%lucene EventID:1", timeout=60, output_hook=lambda m: None)


class WelcomeTest(jupyter_kernel_test.IopubWelcomeTests):
    kernel_name = "huntbook"
    support_iopub_welcome = True


class FrontEndTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.km, cls.kc = start_new_kernel(kernel_name="huntbook")

    @classmethod
    def tearDownClass(cls):
        cls.kc.stop_channels()
        cls.km.shutdown_kernel()

    def run_cell(self, code, client=None):
        """The reply, and all that the cell printed and showed as text."""
        texts = []

        def hook(message):
            content = message["content"]
            if message["header"]["msg_type"] == "stream":
                texts.append(content["text"])
            elif message["header"]["msg_type"] == "display_data":
                texts.append(content["data"]["text/plain"])
            elif message["header"]["msg_type"] == "error":
                texts.append("\n".join(content["traceback"]))

        reply = (client or self.kc).execute_interactive(code, timeout=60, output_hook=hook)
        return reply["content"], "".join(texts)

    def test_cells(self):
        reply, text = self.run_cell("%data samples:")
        self.assertEqual(reply["status"], "ok")
        self.assertIn(" events in 1 file, ", text)
        self.run_cell("%starts = %lucene 'EventID:1 AND Image:*powershell.exe'")
        self.run_cell("%%lucene\nEventID:3")
        _, text = self.run_cell("%starts | join Image %last | table --rows 2")
        self.assertIn("2 of ", text)
        _, text = self.run_cell("%starts | csv out/starts.csv")
        with open("out/starts.csv", encoding="utf-8") as file:
            self.assertGreater(len(file.readlines()), 1)
        reply, text = self.run_cell("%starts | csv ../starts.csv")
        self.assertEqual(reply["ename"], "EngineError")
        self.assertFalse(os.path.exists("../starts.csv"))

    def test_traceback_has_the_place(self):
        self.run_cell("%data samples:")
        reply, text = self.run_cell("%%sigma\ntitle: x\nlogsource: {product: windows}\ndetection:\n  s:\n    Image|contain: x\n  condition: s")
        self.assertEqual(reply["ename"], "RuleError")
        self.assertIn("cell:6:11: error: ", text)
        self.assertIn("    6 |     Image|contain: x\n", text)

    def test_another_client(self):
        other = self.km.client()
        other.start_channels()
        other.wait_for_ready(timeout=60)
        try:
            self.run_cell("rows = 7")
            reply, _ = self.run_cell("rows = 8", other)
            self.assertEqual(reply["status"], "ok")
        finally:
            other.stop_channels()

    def test_large_cell(self):
        reply, text = self.run_cell("# " + "x" * (9 << 20))
        self.assertEqual(reply["status"], "error")
        self.assertIn("more than the 8 MB", text)

    def test_interrupt(self):
        # The data is a pipe that nobody writes to.
        os.mkfifo("endless.json")
        writer = {}
        opened = threading.Thread(target=lambda: writer.setdefault("file", open("endless.json", "w")))
        opened.start()
        request = self.kc.execute("%data endless.json")
        opened.join(60)  # the kernel reads
        self.km.interrupt_kernel()
        reply = self.kc.get_shell_msg(timeout=60)
        while reply["parent_header"]["msg_id"] != request:
            reply = self.kc.get_shell_msg(timeout=60)
        self.assertEqual(reply["content"]["ename"], "Interrupted")
        writer["file"].close()

    def test_restart(self):
        self.run_cell("%data samples:\n%a = %lucene EventID:1")
        self.km.restart_kernel()
        self.kc.wait_for_ready(timeout=60)
        reply, text = self.run_cell("%a")
        self.assertEqual(reply["execution_count"], 1)
        self.assertIn("there is no magic %a", text)

    def test_end(self):
        km, kc = start_new_kernel(kernel_name="huntbook")
        kc.shutdown()
        deadline = time.monotonic() + 60
        while km.is_alive() and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertFalse(km.is_alive())
        kc.stop_channels()
        km.cleanup_resources()


class NotebookTest(unittest.TestCase):
    def test_notebooks_of_a_hunt(self):
        """nbclient gets from the kernel, byte for byte, what the hunt wrote."""
        paths = sorted(pathlib.Path("hunts").rglob("*.ipynb"))
        self.assertGreater(len(paths), 5)
        for path in paths[:: len(paths) // 4]:
            with self.subTest(path=path):
                written = nbformat.read(path, as_version=4)
                run = nbformat.read(path, as_version=4)
                for cell in run.cells:
                    if cell.cell_type == "code":
                        cell.outputs, cell.execution_count = [], None
                nbclient.NotebookClient(run, timeout=60, resources={"metadata": {"path": path.parent}}).execute()
                for a, b in zip(written.cells, run.cells):
                    self.assertEqual(a.get("outputs"), b.get("outputs"))
                    self.assertEqual(a.get("execution_count"), b.get("execution_count"))


if __name__ == "__main__":
    unittest.main()
