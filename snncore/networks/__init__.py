"""Networks: where there are weights to keep."""
