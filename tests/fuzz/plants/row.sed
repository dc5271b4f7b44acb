# lib/format/row.c
s/rank(row, i) >= count/rank(row, i) > count/
