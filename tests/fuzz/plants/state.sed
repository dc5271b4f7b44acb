# lib/format/state_entry.c
s/if (body->in.at == body->in.end)/if (body->in.at > body->in.end)/
