# `terraform test` in this folder's parent: what the module hands to CloudFormation. Nothing is made; the provider is a mock.

mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  package = "./main.tf" # any file will do
}

run "names_and_package" {
  command = plan

  variables {
    name        = "holiday"
    environment = "dev"
    suffix      = "-dev"
    tracing     = true
    emails      = ["a@example.com", "b@example.com"]
  }

  assert {
    condition     = aws_cloudformation_stack.this.name == "holiday-dev"
    error_message = "The stack is called after project and environment."
  }
  assert {
    condition     = local.parameters["Tracing"] == "true" && local.parameters["MemorySize"] == "512"
    error_message = "CloudFormation takes strings."
  }
  assert {
    condition     = aws_cloudformation_stack.this.parameters["Email2"] == "b@example.com"
    error_message = "A list fills the numbered parameters."
  }
  assert {
    condition     = !contains(keys(aws_cloudformation_stack.this.parameters), "Email3")
    error_message = "The rest of them, as all that is empty, are left to the template."
  }
  assert {
    condition     = aws_s3_object.package.key == "packages/${filesha256("./main.tf")}.zip"
    error_message = "The package is called after its digest."
  }
}

run "a_name_that_s3_would_refuse" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "Holiday Pictures"
  }
}

run "more_mails_than_the_template_takes" {
  command         = plan
  expect_failures = [var.emails]

  variables {
    emails = ["1@x.org", "2@x.org", "3@x.org", "4@x.org", "5@x.org", "6@x.org"]
  }
}

run "a_retention_that_logs_do_not_know" {
  command         = plan
  expect_failures = [var.log_retention_days]

  variables {
    log_retention_days = 31
  }
}
