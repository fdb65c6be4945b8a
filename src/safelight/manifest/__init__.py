"""What a web page needs to know of a job's outputs, as one JSON document."""
