# lib/format/parcel.c
s/\.size = size - HEAD_SIZE}/.size = size - HEAD_SIZE + 1}/
