#!/usr/bin/env python3
"""Measures the sentences of documents, and of the comments in Rust code: how long they are, and how many are too long.

Usage: scripts/sentences.py [--over WORDS] FILE...
Code blocks and headings do not count; a cell of a table and an item of a list end a sentence. `code` counts as one word.
With --over it shows every sentence that has more words than that, each with its file and number of words, and ends with 1 if
there is one.
"""

import argparse
import re
import sys

TOO_LONG = 35


def comments(code):
    """The comments of Rust code as a document: each run of comment lines is a paragraph."""
    found = (re.match(r"\s*//[/!]?(?: (.*))?$", line) for line in code.splitlines())
    return "\n".join((line[1] or "") if line else "" for line in found)


def sentences(text):
    """The sentences of a document, each with its number of words."""
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
                yield count, sentence


def main():
    words = argparse.ArgumentParser(usage="scripts/sentences.py [--over WORDS] FILE...")
    words.add_argument("--over", type=int)
    words.add_argument("files", nargs="+")
    told = words.parse_args()
    is_over = False
    for path in told.files:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        found = list(sentences(comments(text) if path.endswith(".rs") else text))
        if told.over is not None:
            for count, sentence in found:
                if count > told.over:
                    is_over = True
                    print(f"{path}: {count}: {sentence}")
            continue
        if not found:
            print(f"{path}: no sentences")
            continue
        counts = [count for count, _ in found]
        long = sum(count > TOO_LONG for count in counts)
        mean = sum(counts) / len(counts)
        print(f"{path}: {len(counts)} sentences, {mean:.1f} words each, {100 * long / len(counts):.1f} % above {TOO_LONG}")
    return is_over


if __name__ == "__main__":
    sys.exit(main())
