# The machines that a model takes, started on AWS: instance type and number are the plan's own.
# Arguments of aws_instance as in hashicorp/terraform-provider-aws, internal/service/ec2/ec2_instance.go at commit
# 0015dfcd06d5d78e5e1c3cabe8cea837d379d1c7.

terraform {
  required_version = ">= 1.3"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
    external = {
      source  = "hashicorp/external"
      version = "~> 2.3"
    }
  }
}

variable "model" {
  description = "Id, alias or hub id of the model."
  type        = string
}

variable "machine" {
  description = "One of AWS's instance types with GPUs, as p4d.24xlarge."
  type        = string
}

variable "context" {
  description = "Tokens of one request, as 8192 or 32k; empty is the model's full length."
  type        = string
  default     = ""
}

variable "ami" {
  description = "An image with the GPU driver and the engine, in the provider's region."
  type        = string
}

variable "subnet_id" {
  description = "A subnet that nobody else reaches: the machines talk to one another on every port."
  type        = string
}

data "external" "plan" {
  program = ["gpu-sizer", "terraform"]

  query = {
    model   = var.model
    machine = "aws/${var.machine}"
    context = var.context
  }
}

resource "aws_instance" "engine" {
  count = tonumber(data.external.plan.result.machine_count)

  ami           = var.ami
  instance_type = data.external.plan.result.machine
  subnet_id     = var.subnet_id

  # Each machine is told its number, and its part of what starts the engine; the first one's address and the key that
  # clients have to send are yours to put beside them (a private zone, a secret).
  user_data = <<-EOT
    #!/bin/sh
    mkdir -p /etc/engine
    echo 'NODE_RANK=${count.index}' > /etc/engine/env
    echo '${base64encode(data.external.plan.result.command)}' | base64 -d > /etc/engine/start
  EOT

  root_block_device {
    volume_size = tonumber(data.external.plan.result.storage_gib) + 100
    volume_type = "gp3"
  }

  tags = {
    Name = "${data.external.plan.result.model}-${count.index}"
  }
}

output "price_hour_usd" {
  description = "US dollars an hour for all of them, on demand; empty where no price is known."
  value       = data.external.plan.result.price_hour_usd
}

output "command" {
  description = "What starts the engine; for several machines a script with NODE_RANK and HEAD_ADDRESS in its environment."
  value       = data.external.plan.result.command
}
