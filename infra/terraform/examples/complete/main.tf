# A staging environment beside prod: names with a suffix, a bounded bill, mails to the people who are on call.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

provider "aws" {
  region = "eu-north-1"
}

module "pictures" {
  source = "../.."

  package      = "${path.root}/image-processor-arm64.zip" # written by `safelight package`
  name         = "image-processor"
  environment  = "staging"
  suffix       = "-staging"
  architecture = "arm64"

  input_bucket_name  = "myimage-processor-input-staging"
  output_bucket_name = "myimage-processor-output-staging"
  topic_name         = "image-processing-notifications-staging"

  maximum_concurrency = 10
  alarm_emails        = ["ops@example.com"]

  tags = { project = "pictures" }
}

output "upload_to" {
  value = module.pictures.input_bucket
}
