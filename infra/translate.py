"""Prints the CloudFormation template that SAM makes of a template. Code is taken to lie in a bucket: nothing is uploaded."""

import json
import sys

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse


def translated(path: str) -> dict:
    with open(path, encoding="utf-8") as file:
        template = yaml_parse(file.read())
    template["Globals"]["Function"]["CodeUri"] = "s3://bucket/code.zip"
    # Its managed policies are named by ARN, so there are none to look up.
    return Translator({}, Parser()).translate(template, {})


if __name__ == "__main__":
    json.dump(translated(sys.argv[1]), sys.stdout, indent=1)
