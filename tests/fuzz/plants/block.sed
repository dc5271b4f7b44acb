# lib/format/block.c
s/return left == 0;/return left <= 8;/
