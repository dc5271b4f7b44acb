# lib/format/hll.c
s/entry >> 6 <= last >> 6/entry >> 6 < last >> 6/
