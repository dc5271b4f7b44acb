# lib/format/parcel.c
s/size < HEAD_SIZE ||/size + 1 < HEAD_SIZE ||/
