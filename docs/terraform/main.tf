# How many GPUs a model takes, as a data source: `terraform plan` fails where the model does not fit.
# Needs gpu-sizer on the PATH of the machine that runs Terraform or OpenTofu.

terraform {
  required_version = ">= 1.3"

  required_providers {
    external = {
      source  = "hashicorp/external"
      version = "~> 2.3"
    }
  }
}

data "external" "plan" {
  program = ["gpu-sizer", "terraform"]

  # Every value is a string, and an empty one means the default.
  query = {
    model   = var.model
    gpu     = var.gpu
    machine = var.machine
    context = var.context
    users   = tostring(var.users)
    format  = var.format
    tuned   = tostring(var.tuned)
  }
}
