# The very template and package that `safelight deploy` takes: one truth, here as a module.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "package" {
  description = "The zip that `safelight package` wrote, for the processor of architecture."
  type        = string
}

variable "tags" {
  description = "Tags of the stack, which CloudFormation puts on what it makes."
  type        = map(string)
  default     = {}
}

locals {
  template = "${path.module}/../../src/safelight/deploy/template.yaml"
}

# Package and template go through a bucket: CloudFormation takes larger ones from S3 only.

resource "aws_s3_bucket" "artifacts" {
  bucket_prefix = "safelight-artifacts-"
  force_destroy = true # it holds nothing that is not on your disk
  tags          = var.tags
}

resource "aws_s3_bucket_public_access_block" "artifacts" {
  bucket                  = aws_s3_bucket.artifacts.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

data "aws_iam_policy_document" "artifacts" {
  statement {
    sid       = "DenyPlainHttp"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.artifacts.arn, "${aws_s3_bucket.artifacts.arn}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_policy" "artifacts" {
  bucket     = aws_s3_bucket.artifacts.id
  policy     = data.aws_iam_policy_document.artifacts.json
  depends_on = [aws_s3_bucket_public_access_block.artifacts]
}

# Keys are digests: new contents are new keys, and what runs can be told from what does not.

resource "aws_s3_object" "package" {
  bucket = aws_s3_bucket_policy.artifacts.bucket
  key    = "packages/${filesha256(var.package)}.zip"
  source = var.package
}

resource "aws_s3_object" "template" {
  bucket = aws_s3_bucket_policy.artifacts.bucket
  key    = "templates/${filesha256(local.template)}.yaml"
  source = local.template
}

resource "aws_cloudformation_stack" "this" {
  name         = "${var.name}-${var.environment}"
  template_url = "https://${aws_s3_bucket.artifacts.bucket_regional_domain_name}/${aws_s3_object.template.key}"
  capabilities = ["CAPABILITY_IAM"]
  tags         = var.tags

  # What is empty is the template's default; the provider would take it for a change each time.
  parameters = merge({ for name, value in local.parameters : name => value if value != "" }, {
    CodeBucket = aws_s3_object.package.bucket
    CodeKey    = aws_s3_object.package.key
  })
}
