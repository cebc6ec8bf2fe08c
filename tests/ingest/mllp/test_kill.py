"""Kill -9 of the real listener, a few times; ``benchmarks/mllp_kill.py`` does it a hundred times."""

import os
import re
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "mllp_kill.py"


def test_what_was_acknowledged_before_a_kill_is_there_once_after_it(database_url):
    result = subprocess.run(
        [sys.executable, SCRIPT, "--kills", "5", "--senders", "4", "--seed", "3"],
        capture_output=True,
        text=True,
        timeout=180,
        env=os.environ | {"VESALIUS_DATABASE": database_url},
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 lost, 0 double, 0 in the log that were never acknowledged" in result.stdout
    assert int(re.search(r"(\d+) sent again", result.stdout)[1]) > 0, "no kill hit a message on its way"
