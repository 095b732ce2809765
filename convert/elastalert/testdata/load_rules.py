"""Loads rules with ElastAlert 2's own loader, as elastalert-test-rule does.

    load_rules.py FOLDER

For each file of the folder, in the order of their names, a line of JSON comes out:
{"name": the file's name, "rule": what was read, "error": why it was refused}.
"""
import importlib.abc
import importlib.machinery
import json
import os
import sys
from unittest import mock


class Services(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Stands for the packages that speak with clusters and with services that alerts are
    sent to: the loader imports them, and does not use them."""

    names = {
        "aws_requests_auth", "boto3", "elasticsearch", "exotel", "jira", "jsonpointer", "prettytable", "pytz", "requests", "stomp",
        "tencentcloud", "texttable", "twilio", "zabbix_utils",
    }

    def find_spec(self, name, path, target=None):
        if name.split(".")[0] in self.names:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        return mock.MagicMock(__path__=[], __spec__=spec, __name__=spec.name)

    def exec_module(self, module):
        pass


sys.meta_path.insert(0, Services())
from elastalert.loaders import FileRulesLoader  # noqa: E402


class Loader(FileRulesLoader):
    """The loader, which keeps what it read before it makes something else of it."""

    read = None

    def get_yaml(self, filename):
        rule = super().get_yaml(filename)
        self.read = json.dumps(rule, default=repr)
        return rule


loader = Loader({})
for name in sorted(os.listdir(sys.argv[1])):
    loader.read, error = None, ""
    try:
        loader.load_configuration(os.path.join(sys.argv[1], name), {})
    except Exception as e:  # whatever the loader stops at is its answer
        error = type(e).__name__ + ": " + str(e)
    print(json.dumps({"name": name, "rule": loader.read and json.loads(loader.read), "error": error[:1000]}))
