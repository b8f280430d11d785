output "gpu_count" {
  description = "GPUs in all."
  value       = tonumber(data.external.plan.result.gpu_count)
}

output "nodes" {
  description = "Machines: the count of an instance group."
  value       = tonumber(data.external.plan.result.nodes)
}

output "gpus_per_node" {
  description = "GPUs of each machine."
  value       = tonumber(data.external.plan.result.gpus_per_node)
}

output "storage_gib" {
  description = "Size of a volume for the weights."
  value       = tonumber(data.external.plan.result.storage_gib)
}

output "command" {
  description = "What starts the engine, for a machine's start-up script."
  value       = data.external.plan.result.command
}

output "file" {
  description = "The file of the format that was asked for."
  value       = data.external.plan.result.file
}
