"""What both kinds of replicates share."""

LARGEST_SEED = 2**31 - 1


def check_counts(**counts) -> None:
    for name, count in counts.items():
        if int(count) != count or count < 1:
            raise ValueError(f"{name}={count} must be a positive whole number.")
