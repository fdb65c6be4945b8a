"""The ports on AWS, and the small signed client that three of them speak through."""
