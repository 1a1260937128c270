#!/usr/bin/env bash
# check.sh - the template: cfn-lint on the source and on what SAM makes of it, where it sees more, and checkov on the latter.
#
# The tools come from PyPI (tools.sh); nothing here asks AWS. What checkov is not to say stands with its reason in checkov.yaml.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cfn="$(infra/tools.sh cfn-lint-1.58.0 cfn-lint==1.58.0 aws-sam-translator==1.115.0)"
checkov="$(infra/tools.sh checkov-3.3.30 checkov==3.3.30)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

export AWS_DEFAULT_REGION=us-east-1 AWS_REGION=us-east-1
"$cfn/cfn-lint" --non-zero-exit-code warning infra/template.yaml
"$cfn/python" infra/translate.py infra/template.yaml >"$work/template.json"
"$cfn/cfn-lint" --non-zero-exit-code warning "$work/template.json"
# Who may do what, as text: a right that comes or goes is a line of a diff.
python3 infra/roles.py "$work/template.json" >"$work/roles.txt"
diff infra/roles.txt "$work/roles.txt"
"$checkov/checkov" --config-file infra/checkov.yaml --file "$work/template.json" --skip-download --compact --quiet
echo "infra/template.yaml: clean"
