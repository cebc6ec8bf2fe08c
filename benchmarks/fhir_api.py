"""How fast FHIR comes in over HTTP: transaction bundles and single creates, against a real server process.

Data: ``synthea-r4`` (615 synthetic patients, Apache-2.0), made into the transaction bundles that Synthea
writes: the resources of one patient, each posted under a ``urn:uuid``, with references between them; larger
patients are cut into bundles of at most 500 entries. All bodies are encoded before the clock starts. The
server is ``vesalius serve`` on loopback with a SQLite database on disk: token, JSON, validation, references,
canonical digest, audit event, durable commit are all in the time. "per CPU-second" divides by the CPU time of
the server process alone (user and system, from ``/proc``). The first bundle, which warms the server, is left
out.

The published figure beside it: 2,678 resources per second, transaction bundles, the fastest commercial server
of its comparison, on 8 cores.

    .venv/bin/python benchmarks/fhir_api.py [PATIENTS] [SINGLES]
"""

import gzip
import http.client
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
PUBLISHED = 2_678
SIZE = 500
TYPES = (
    "Patient", "Encounter", "Condition", "Observation", "Procedure", "MedicationRequest", "Immunization",
    "DiagnosticReport", "AllergyIntolerance", "CarePlan", "Goal", "ImagingStudy",
)  # fmt: skip

SINGLE = json.dumps(
    {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "C-reactive protein"},
        "subject": {"reference": "Patient/1"},
        "valueQuantity": {"value": 12.5},
    }
).encode()


def resources(data, patients):
    """The resources of the first patients, by patient."""
    found = defaultdict(list)
    wanted = set()
    for kind in TYPES:
        with gzip.open(data / f"{kind}.ndjson.gz") as file:
            for line in file:
                if kind == "Patient":
                    if len(wanted) == patients:
                        break
                    owner = json.loads(line)["id"]
                    wanted.add(owner)
                else:
                    owner = re.search(rb'"reference":\s*"Patient/([^"]+)"', line)[1].decode()
                if owner in wanted:
                    found[owner].append(line)
    return found


def bundles(data, patients):
    """Transaction bundles as bytes, each with its number of entries."""
    made = []
    for lines in resources(data, patients).values():
        for start in range(0, len(lines), SIZE):
            part = [json.loads(line) for line in lines[start : start + SIZE]]
            text = json.dumps([entry(each) for each in part])
            for each in part:
                text = text.replace(
                    f'"reference": "{each["resourceType"]}/{each["id"]}"',
                    f'"reference": "urn:uuid:{each["id"]}"',
                )
            made.append(
                (f'{{"resourceType":"Bundle","type":"transaction","entry":{text}}}'.encode(), len(part))
            )
    return made


def entry(resource):
    kept = {name: value for name, value in resource.items() if name != "id"}
    request = {"method": "POST", "url": resource["resourceType"]}
    return {"fullUrl": f"urn:uuid:{resource['id']}", "resource": kept, "request": request}


class Server:
    """A server process of its own, with a hospital of its own."""

    def __init__(self, home):
        self.token = run(
            "client", "add", "bench", "--source", "bench", "--may", "write", "--home", home
        ).strip()
        command = [sys.executable, "-m", "vesalius", "serve", "--port", "0", "--home", home]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.port = int(re.search(r":(\d+)", self.process.stdout.readline().split("//")[1])[1])

    def cpu(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


def run(*words):
    done = subprocess.run(
        [sys.executable, "-m", "vesalius", *words], capture_output=True, text=True, check=True
    )
    return done.stdout


def send(server, path, bodies, wanted):
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/fhir+json",
               "Prefer": "return=minimal"}  # fmt: skip
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    for body in bodies:
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        said = response.read()
        assert response.status == wanted, (response.status, said[:500])
    connection.close()


def measured(server, path, bodies, wanted, connections):
    """Wall seconds and server CPU seconds."""
    shares = [bodies[number::connections] for number in range(connections)]
    threads = [threading.Thread(target=send, args=(server, path, share, wanted)) for share in shares]
    before, start = server.cpu(), time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start, server.cpu() - before


def main():
    patients = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    singles = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000
    data = Path(os.environ.get("VESALIUS_DATA", ROOT.parent / "shared" / "data")) / "synthea-r4"
    if not data.is_dir():
        print(f"no data at {data} (set VESALIUS_DATA): nothing measured")
        return
    made = bundles(data, patients)
    with tempfile.TemporaryDirectory() as home:
        server = Server(home)
        try:
            print(f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores, SQLite")
            report(server, made, singles)
        finally:
            server.stop()


def report(server, made, singles):
    (first, _), *rest = made
    send(server, "/fhir", [first], 200)
    for connections in (1, 2):
        share = rest[connections - 1 :: 2]
        count, size = sum(number for _, number in share), sum(len(body) for body, _ in share)
        wall, cpu = measured(server, "/fhir", [body for body, _ in share], 200, connections)
        words = f"{len(share)} bundles, {count} resources, {size / 1e6:.0f} MB, {connections} connection(s)"
        print(
            f"transactions: {count / wall:>7.0f} resources/s, {count / cpu:>7.0f} per CPU-second   ({words})"
        )
    print(f"published:    {PUBLISHED:>7} resources/s on 8 cores: {PUBLISHED / 8:.0f} per core")
    for connections in (1, 8):
        wall, cpu = measured(server, "/fhir/Observation", [SINGLE] * singles, 201, connections)
        print(
            f"single creates: {singles / wall:>5.0f}/s, {singles / cpu:>5.0f} per CPU-second   "
            f"({connections} connection(s))"
        )


if __name__ == "__main__":
    main()
