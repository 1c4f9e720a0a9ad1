"""What acts, without anything about databases, brokers or model libraries."""
