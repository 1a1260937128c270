"""Prints what each role of a translated template may do in AWS, and checks it against the calls in our source.

Every call that the adapter makes has to be in some role, and no role has one that nobody makes.
"""

import json
import pathlib
import re
import sys

SOURCES = ["shared/aws/src", "functions/forwarder/src"]
# What Lambda does for a function under its role: no code of ours calls it.
OF_LAMBDA = {
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
}
# How the services that are called without an SDK name their operations, by their names in policies.
OF_TARGETS = {"ssm": "AmazonSSM", "pricing": "AWSPriceListService", "events": "AWSEvents"}
# Rights that belong to RunInstances: for its tags, and for the role that it hands on.
OF_LAUNCHES = {"ec2:CreateTags", "iam:PassRole"}


def listed(value):
    return value if isinstance(value, list) else [value]


def roles(template):
    for name, resource in sorted(template["Resources"].items()):
        if resource["Type"] != "AWS::IAM::Role":
            continue
        actions = set()
        for policy in resource["Properties"].get("Policies", []):
            # A right that hangs on a parameter is shown as if it were there.
            policy = policy["Fn::If"][1] if "Fn::If" in policy else policy
            for statement in listed(policy["PolicyDocument"]["Statement"]):
                actions.update(listed(statement["Action"]))
        yield name, actions


def calls():
    """The operations of AWS' API that are called: by the SDK's methods, and by name where there is no SDK."""
    found = set()
    for folder in SOURCES:
        for path in sorted(pathlib.Path(folder).rglob("*.rs")):
            text = path.read_text(encoding="utf-8")
            for method in re.findall(r"\.((?:run|terminate|describe|send|create)_[a-z_]+)\(\)", text):
                name = "".join(part.capitalize() for part in method.split("_"))
                found.add(("sqs:" if name == "SendMessage" else "ec2:") + name)
            for service, target in OF_TARGETS.items():
                found.update(f"{service}:{name}" for name in re.findall(target + r"\.(\w+)", text))
    return found


def main(path):
    with open(path, encoding="utf-8") as file:
        all_roles = dict(roles(json.load(file)))
    allowed = set()
    for name, actions in all_roles.items():
        print(name + ":" + "".join(" " + action for action in sorted(actions)))
        allowed |= actions
    made = calls()
    wrong = [f"{call}: is called and in no role" for call in sorted(made - allowed)]
    extra = allowed - made - OF_LAMBDA - OF_LAUNCHES
    wrong += [f"{action}: is in a role and never called" for action in sorted(extra)]
    if len(made) < 5:
        wrong.append(f"only {len(made)} calls were found in {' '.join(SOURCES)}: look elsewhere")
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


sys.exit(main(sys.argv[1]))
