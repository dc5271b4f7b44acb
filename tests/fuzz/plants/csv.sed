# tools/scan.c
s/i < size \&\& i < 64/i < size \&\& i < 63/
