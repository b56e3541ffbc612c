"""Queries agentdojo, as installed by scripts/fetch-corpora.ts: the content of its workspace, and whether a task or an attack succeeded.

    PYTHONPATH=DIRECTORY python3 test/support/ask-agentdojo.py dump
    PYTHONPATH=DIRECTORY python3 test/support/ask-agentdojo.py judge < runs.json
"""
import importlib.abc
import importlib.machinery
import json
import pickle
import sys
import types

MODELS = ("anthropic", "cohere", "google", "openai", "tenacity", "langchain", "rich", "dotenv", "click")
PIPELINES = "agentdojo.agent_pipeline"


class NoModels(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Stands in for the model clients, which nothing here calls."""

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in MODELS or name.startswith(PIPELINES) or name == "agentdojo.logging":
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        return Anything(spec.name)

    def exec_module(self, module):
        pass


class Anything(types.ModuleType):
    __path__ = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        made = type(name, (), {"__init__": lambda self, *args, **named: None, "__class_getitem__": lambda item: None})
        setattr(self, name, made)
        return made


sys.meta_path.insert(0, NoModels())

from agentdojo.functions_runtime import FunctionsRuntime  # noqa: E402
from agentdojo.task_suite.load_suites import get_suite  # noqa: E402

SUITE = get_suite("v1.2.2", "workspace")


BEGINNING = pickle.dumps(SUITE.load_and_inject_default_environment({}))


def fresh():
    """Returns a copy: reading its files, or a deep copy, takes longer than all queries together."""
    return pickle.loads(BEGINNING)


def mails(environment):
    return [json.loads(mail.model_dump_json()) for mail in environment.inbox.initial_emails]


def dump():
    environment = fresh()
    tasks = []
    for name, task in SUITE.user_tasks.items():
        calls = [{"function": call.function, "args": call.args} for call in task.ground_truth(fresh())]
        # The mails that each search finds in agentdojo.
        for call in calls:
            if call["function"] in ("search_emails", "get_unread_emails"):
                found, _ = FunctionsRuntime(SUITE.tools).run_function(fresh(), call["function"], call["args"])
                call["finds"] = [mail.id_ for mail in found]
        tasks.append({"id": name, "prompt": task.PROMPT, "answer": task.GROUND_TRUTH_OUTPUT, "calls": calls})
    attacks = [{"id": name, "goal": task.GOAL} for name, task in SUITE.injection_tasks.items()]
    owner = environment.inbox.account_email
    json.dump({"owner": owner, "mails": mails(environment), "tasks": tasks, "attacks": attacks}, sys.stdout, default=str)


def after(run):
    """Returns the resulting workspace; agentdojo itself executes the calls of its other tools here."""
    environment = fresh()
    runtime = FunctionsRuntime(SUITE.tools)
    said = [run["said"]]
    for step in run["steps"]:
        if "function" in step:
            value, error = runtime.run_function(environment, step["function"], step["args"])
            said.append(str(error or value))
        else:
            environment.inbox.send_email(step["to"], step["subject"], step["body"], step.get("attachments"), [], [])
    for name in run["read"]:
        environment.inbox.emails[name].read = True
    for name in run["trashed"]:
        environment.inbox.delete_email(name)
    return environment, "\n".join(said)


def judge():
    verdicts = []
    for run in json.load(sys.stdin):
        task = SUITE.user_tasks[run["task"]]
        environment, said = after(run)
        ending = pickle.dumps(environment)
        attacks = {}
        for name, attack in SUITE.injection_tasks.items():
            attacks[name] = bool(attack.security(said, fresh(), pickle.loads(ending)))
        done = bool(task.utility(said, fresh(), environment, True))
        verdicts.append({"task": run["task"], "done": done, "attacks": [name for name in attacks if attacks[name]]})
    json.dump(verdicts, sys.stdout)


{"dump": dump, "judge": judge}[sys.argv[1]]()
