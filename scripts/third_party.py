#!/usr/bin/env python3
"""Prints the licences of all packages that are linked into the programs for a target: third_party.py TARGET"""

import json
import pathlib
import subprocess
import sys

if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
    sys.exit(__doc__)


def cargo(*words):
    return subprocess.run(["cargo", *words, "--locked"], check=True, capture_output=True, text=True).stdout


target = sys.argv[1]
listed = cargo("tree", "--edges", "normal", "--prefix", "none", "--format", "{p}", "--target", target)
linked = {tuple(line.split(" ")[:2]) for line in listed.splitlines() if line}
told = json.loads(cargo("metadata", "--format-version", "1", "--filter-platform", target))
packages = [package for package in told["packages"] if package["source"]]
packages = [package for package in packages if (package["name"], "v" + package["version"]) in linked]
if not packages:
    sys.exit("cargo lists no packages")

# Many packages have the same text.
texts = {}
print("These programs contain the following packages, and the standard library of Rust (MIT or Apache-2.0).")
print("Static programs also contain the C library of the system they are for: glibc (LGPL 2.1 or later) or MinGW-w64.\n")
for package in packages:
    name = f"{package['name']} {package['version']}"
    print(f"{name}: {package['license']}")
    home = pathlib.Path(package["manifest_path"]).parent
    files = [path for path in home.iterdir() if path.is_file()]
    # Apache-2.0 asks for its text once, and NOTICE for all that a package has.
    for path in sorted(path for path in files if path.name.upper().startswith(("LICENSE", "LICENCE", "COPYING", "NOTICE"))):
        texts.setdefault(path.read_text(errors="replace").strip(), []).append(f"{name} ({path.name})")
for text, names in texts.items():
    print("\n" + "=" * 100)
    print("\n".join(names) + "\n\n" + text)
