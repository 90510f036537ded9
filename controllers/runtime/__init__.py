"""What every controller is made of: watches that enqueue keys, a work queue, one process around them."""
