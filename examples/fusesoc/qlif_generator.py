"""A generator of FuseSoC: exports a population with the options that a core gives as parameters."""

import re
import subprocess
import sys
from pathlib import Path

import yaml

told = yaml.safe_load(Path(sys.argv[1]).read_text())
options = [
    f"--{name}" if value is True else f"--{name}={value}"
    for name, value in told["parameters"].items()
    if value is not False
]
subprocess.run([sys.executable, "-m", "qlif", "export", *options, "--out", "rtl"], check=True)
for core in Path("rtl").glob("*.core"):
    # FuseSoC looks for what was made by the name that it gave, and takes the default target of what is depended on.
    text = re.sub(r"(?m)^name: .*$", f"name: {told['vlnv']}", core.read_text())
    if told["parameters"].get("testbench"):
        text = text.replace("filesets: [rtl]", "filesets: [rtl, tb, vectors]")
    core.write_text(text)
