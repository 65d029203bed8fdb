"""What moderation decides without Discord or a database: values in, values out."""
