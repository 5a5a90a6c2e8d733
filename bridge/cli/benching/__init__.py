"""What `bridge bench` starts and measures: the program itself, over loopback, beside the machine's own floor."""
