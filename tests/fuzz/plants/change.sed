# lib/format/change_decode.c
s/payload_hash.data, sizeof hash)/payload_hash.data, sizeof hash - 1)/
