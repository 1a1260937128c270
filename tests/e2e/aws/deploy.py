"""Deploys joiner's own template to an AWS on loopback, as `sam deploy` does to AWS, and prints what came of it as JSON.

What differs from the template is said here and nowhere else: a function's code is a script that starts a binary on this
machine; functions are told where EC2 is, which is not where the rest is; queues take what comes without TLS, for loopback has
none; and what the emulator does not know of EKS is left out: who may come in is printed instead, for the test's API server to
go by.
"""

import io
import json
import sys
import time
import zipfile
from pathlib import Path

import boto3

TEMPLATE = Path(__file__).parents[3] / "infra" / "template.yaml"
BUCKET, STACK = "code", "joiner"
LEFT_OUT = ("AWS::EKS::AccessEntry", "AWS::EKS::PodIdentityAssociation")
# A stack of twenty resources takes ten seconds.
LOOKS, LOOK_SECONDS = 600, 0.2


def translated() -> dict:
    """What SAM makes of the template, by the script that the template's own checks use."""
    sys.path.insert(0, str(TEMPLATE.parent))
    import translate

    return translate.translated(str(TEMPLATE))


def script(binary: str) -> bytes:
    """A function's code: a script in the place of the binary, which is a gigabyte when it is built for tests."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        info = zipfile.ZipInfo("bootstrap")
        info.external_attr = 0o755 << 16
        archive.writestr(info, f'#!/bin/sh\nexec "{binary}"\n')
    return packed.getvalue()


def entries(template: dict, physical: dict) -> dict:
    """The groups of each role, by its name: what the access entries say."""
    found = {}
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::EKS::AccessEntry":
            role = resource["Properties"]["PrincipalArn"]["Fn::GetAtt"][0]
            found[physical[role]] = resource["Properties"].get("KubernetesGroups", [])
    return found


def schedules(template: dict, physical: dict) -> list:
    """Which function runs how often, with how much memory."""
    found = []
    for logical, resource in template["Resources"].items():
        rule = resource["Properties"]
        if resource["Type"] == "AWS::Events::Rule" and "ScheduleExpression" in rule:
            name = rule["Targets"][0]["Arn"]["Fn::GetAtt"][0]
            function = template["Resources"][name]["Properties"]
            found.append(
                {
                    "rule": physical[logical],
                    "function": name.removesuffix("Function").lower(),
                    "expression": rule["ScheduleExpression"],
                    "memory_mb": function["MemorySize"],
                }
            )
    return found


def deploy(order: dict) -> dict:
    client = lambda service: boto3.client(service, endpoint_url=order["endpoint"])
    template = translated()
    kept = {k: v for k, v in template["Resources"].items() if v["Type"] not in LEFT_OUT}
    client("s3").create_bucket(Bucket=BUCKET)
    for name, resource in kept.items():
        if resource["Type"] != "AWS::Lambda::Function":
            continue
        function = name.removesuffix("Function").lower()
        code = script(f'{order["binaries"]}/{function}')
        client("s3").put_object(Bucket=BUCKET, Key=name, Body=code)
        resource["Properties"]["Code"] = {"S3Bucket": BUCKET, "S3Key": name}
        # What is built here runs here.
        resource["Properties"]["Architectures"] = ["x86_64"]
        resource["Properties"]["Environment"]["Variables"] |= order["environment"]

    policy = kept["QueuePolicy"]["Properties"]["PolicyDocument"]
    policy["Statement"] = [it for it in policy["Statement"] if it["Sid"] != "NothingUnencrypted"]

    formation = client("cloudformation")
    formation.create_stack(
        StackName=STACK,
        TemplateBody=json.dumps(template | {"Resources": kept}),
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in order["parameters"].items()],
    )
    for _ in range(LOOKS):
        stack = formation.describe_stacks(StackName=STACK)["Stacks"][0]
        if not stack["StackStatus"].endswith("IN_PROGRESS"):
            break
        time.sleep(LOOK_SECONDS)
    if stack["StackStatus"] != "CREATE_COMPLETE":
        sys.exit(f'the stack is {stack["StackStatus"]}: {stack.get("StackStatusReason", "")}')
    made = formation.describe_stack_resources(StackName=STACK)["StackResources"]
    physical = {it["LogicalResourceId"]: it["PhysicalResourceId"] for it in made}
    return {
        "outputs": {it["OutputKey"]: it["OutputValue"] for it in stack["Outputs"]},
        "resources": physical,
        "groups": entries(template, physical),
        "schedules": schedules(template, physical),
    }


print(json.dumps(deploy(json.load(sys.stdin))))
