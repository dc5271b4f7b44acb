# lib/format/history.c
s/!lf_load_u32(bytes)/lf_load_u32(bytes) <= 1/
