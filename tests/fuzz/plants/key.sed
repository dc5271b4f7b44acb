# lib/format/key.c
s/size_t total = size + 2/size_t total = size + 1/
