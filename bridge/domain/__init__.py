"""The words of the product: values and rules without any input or output."""
