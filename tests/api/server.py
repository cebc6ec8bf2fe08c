"""A real server process, as ``vesalius serve`` starts it."""

import http.client
import json
import re
import subprocess
import sys

from vesalius.governance import clients


class Server:
    """One process that serves a hospital's home on a free port."""

    def __init__(self, home):
        command = [sys.executable, "-m", "vesalius", "serve", "--port", "0", "--home", str(home)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        assert "http://" in said, self.process.stderr.read()
        self.port = int(re.search(r":(\d+) ", said)[1])

    def close(self):
        """Kills it, as a power cut would."""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)


def ask(connection, token, method, path, body=None):
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json"}
    connection.request(method, f"/fhir{path}", body and json.dumps(body), headers)
    response = connection.getresponse()
    return response.status, json.loads(response.read() or b"{}")


def token(hospital, name="feed"):
    return clients.add(hospital.engine, name, source=name, may=("read", "write", "export"))
