"""What depends on the machine: devices, precision, memory layout, threads and memory."""
