# lib/store/copy_file.c
s/trailer.bytes != intake->bytes/trailer.bytes - intake->bytes > 1/
