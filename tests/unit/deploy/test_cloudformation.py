"""CloudFormation's short forms and long ones are the same."""

import pytest

from safelight.deploy.cloudformation import read


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("!Ref Queue", {"Ref": "Queue"}),
        ("!Condition Wanted", {"Condition": "Wanted"}),
        ("!GetAtt Queue.Arn", {"Fn::GetAtt": ["Queue", "Arn"]}),
        ("!GetAtt [Queue, Arn]", {"Fn::GetAtt": ["Queue", "Arn"]}),
        ("!GetAtt Nested.Outputs.Url", {"Fn::GetAtt": ["Nested", "Outputs.Url"]}),
        ('!Sub "${A}-${B}"', {"Fn::Sub": "${A}-${B}"}),
        ('!Sub ["${A}", {A: !Ref B}]', {"Fn::Sub": ["${A}", {"A": {"Ref": "B"}}]}),
        ("!If [Wanted, !Ref A, !Ref AWS::NoValue]", {"Fn::If": ["Wanted", {"Ref": "A"}, {"Ref": "AWS::NoValue"}]}),
        ("!Not [!Equals [!Ref A, '']]", {"Fn::Not": [{"Fn::Equals": [{"Ref": "A"}, ""]}]}),
        ("{a: [1, yes, 'true', 2026-01-02]}", {"a": [1, True, "true", "2026-01-02"]}),
    ],
)
def test_read_writes_functions_out(short: str, long: object) -> None:
    """What is read is what CloudFormation's JSON would hold; dates are texts, as its version is."""
    assert read(f"Value: {short}\nAWSTemplateFormatVersion: 2010-09-09") == {
        "Value": long,
        "AWSTemplateFormatVersion": "2010-09-09",
    }


def test_read_of_what_is_no_template_is_empty() -> None:
    """A file without a mapping holds nothing that one could ask for."""
    assert read("") == read("- 1") == {}
