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

output "machine" {
  description = "Name of the machine to rent: the one that was asked for, or the cheapest known with these GPUs."
  value       = data.external.plan.result.machine
}

output "machine_count" {
  description = "How many of them; empty where none is known."
  value       = try(tonumber(data.external.plan.result.machine_count), null)
}

output "price_hour_usd" {
  description = "US dollars an hour for all of them; empty where no price is known."
  value       = try(tonumber(data.external.plan.result.price_hour_usd), null)
}

output "storage_gib" {
  description = "Size of a volume for the weights."
  value       = tonumber(data.external.plan.result.storage_gib)
}

output "image" {
  description = "The container image; empty where none is known."
  value       = data.external.plan.result.image
}

output "port" {
  description = "On which the server listens."
  value       = tonumber(data.external.plan.result.port)
}

output "command" {
  description = "What starts the engine; for several machines a script with NODE_RANK and HEAD_ADDRESS in its environment."
  value       = data.external.plan.result.command
}

output "file" {
  description = "The file of the format that was asked for."
  value       = data.external.plan.result.file
}
