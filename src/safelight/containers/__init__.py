"""The structures of picture files, read and cut without decoding a pixel. Lightly imported: standard library only."""
