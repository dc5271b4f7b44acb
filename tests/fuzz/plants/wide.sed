# lib/format/state_wide.c
s/full_size += size - LF_BESIDE_HASH_SIZE/&+ 1/
