# lib/format/manifest.c
s/message->id <= view\[-1\].id/message->id < view[-1].id/
