variable "model" {
  description = "Id, alias or hub id of the model."
  type        = string
}

variable "gpu" {
  description = "Id or alias of the GPU; empty where a machine is named."
  type        = string
  default     = ""
}

variable "machine" {
  description = "A machine that can be rented, as p5.48xlarge, instead of a GPU."
  type        = string
  default     = ""
}

variable "context" {
  description = "Tokens of one request, as 8192 or 32k; empty is the model's full length."
  type        = string
  default     = ""
}

variable "users" {
  description = "Requests of that length at once."
  type        = number
  default     = 1
}

variable "format" {
  description = "A file to write: docker-run, kubernetes, slurm, kserve ...; empty for none."
  type        = string
  default     = ""
}

variable "tuned" {
  description = "Take the lower engine settings that need fewer GPUs, where there are such."
  type        = bool
  default     = false
}
