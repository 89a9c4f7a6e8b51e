#!/usr/bin/python3
"""Turns docs/openapi.yaml into C: openapi.py YAML VERSION OUT.c"""
import json
import sys

import yaml


def main(source, version, target):
    with open(source, encoding="utf-8") as file:
        document = yaml.safe_load(file)
    document["info"]["version"] = version
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    lines = (",".join(map(str, text[at:at + 32])) for at in range(0, len(text), 32))
    with open(target, "w", encoding="ascii") as file:
        file.write('#include "api/v1/v1.h"\n\nconst unsigned char openapi_json[] = {\n' + ",\n".join(lines) + "\n};\n"
                   "const size_t openapi_json_len = sizeof openapi_json;\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
