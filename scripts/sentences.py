#!/usr/bin/env python3
"""Measures the sentences of Markdown documents: how long they are, and how many are too long.

Usage: scripts/sentences.py FILE...
Code blocks and headings do not count; a cell of a table and an item of a list end a sentence. `code` counts as one word.
"""

import re
import sys

TOO_LONG = 35


def sentences(text):
    """The sentences of a document, each as its number of words."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    text = re.sub(r"`[^`]*`", "CODE", text)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    blocks = []
    for line in text.splitlines():
        plain = line.strip()
        if not plain or plain.startswith("#") or re.fullmatch(r"[|\s:-]+", plain):
            blocks.append("")
        elif plain.startswith("|"):
            blocks += plain.strip("|").split("|") + [""]
        elif re.match(r"([-*]|\d+\.)\s", plain):
            blocks += ["", re.sub(r"^([-*]|\d+\.)\s", "", plain)]
        elif blocks:
            blocks[-1] += " " + plain
        else:
            blocks.append(plain)
    for block in blocks:
        for sentence in re.split(r"(?<=[.!?])[\"')*]*\s+", block.strip()):
            count = len(re.findall(r"[\w'’-]*\w", sentence))
            # A cell with a word or a number is no sentence.
            if count > 3:
                yield count


def main():
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            counts = list(sentences(file.read()))
        if not counts:
            print(f"{path}: no sentences")
            continue
        long = sum(count > TOO_LONG for count in counts)
        mean = sum(counts) / len(counts)
        print(f"{path}: {len(counts)} sentences, {mean:.1f} words each, {100 * long / len(counts):.1f} % above {TOO_LONG}")


if __name__ == "__main__":
    main()
