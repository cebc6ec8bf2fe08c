"""The structures of types are made when they are first needed, by whichever threads need them at once."""

import subprocess
import sys

CODE = """
import threading
from vesalius import fhir

ready, wrong = threading.Barrier(8), []

def check(kind):
    ready.wait()
    try:
        fhir.check({"resourceType": kind, "id": "x", "contained": [{"resourceType": "Patient"}]})
    except fhir.validation.InvalidResource:
        pass
    except BaseException as error:
        wrong.append(error)

kinds = ["Bundle", "Observation", "Patient", "Questionnaire", "PlanDefinition", "Parameters", "Claim", "Task"]
threads = [threading.Thread(target=check, args=(kind,)) for kind in kinds]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert not wrong, wrong
"""


def test_many_threads_may_check_their_first_resource_at_once():
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
