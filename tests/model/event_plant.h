/* SPDX-License-Identifier: Apache-2.0 */
/* Faults put into the model of events on purpose: each has to be found. */
#ifndef MODEL_EVENT_PLANT_H
#define MODEL_EVENT_PLANT_H

enum event_plant {
    EVENT_PLANT_NONE,
    EVENT_PLANT_TAIL,      /* `<` for `<=` at the tail */
    EVENT_PLANT_END,       /* an event at t itself is visible */
    EVENT_PLANT_TIE,       /* of equal ts the earlier commit is the later */
    EVENT_PLANT_LATE,      /* an event older than the newest does not count */
    EVENT_PLANT_ZONE,      /* the grid is that of UTC */
    EVENT_PLANT_CUMULATE,  /* a cumulating window is one hop short */
    EVENT_PLANT_CONDITION, /* a comparison with null is true */
    EVENT_PLANT_NULL_KEY,  /* a null join key is a key */
    EVENT_PLANT_DUPLICATE, /* ids are not looked at */
    EVENT_PLANT_FORGET,    /* ids are never forgotten */
    EVENT_PLANT_FUTURE_ID, /* the id of an event of the future was seen */
    EVENT_PLANT_SKEW,      /* clock + max_skew is the future */
    EVENT_PLANT_RETRACT,   /* what is taken back stays */
    EVENT_PLANT_DELETE,    /* a delete spares what is later than its time */
    EVENT_PLANT_BARRIER,   /* events behind a delete count */
    EVENT_PLANT_PARTIAL,   /* a feature that came later is whole */
    EVENT_PLANT_REBORN,    /* a view that is made again has old events */
    EVENT_PLANT_KNOWN,     /* a commit at known_by is not known */
    EVENT_PLANT_SCORED,    /* an event that is not stored does not count */
    EVENT_PLANT_HALF,      /* what a refused call wrote first stays */
    EVENT_PLANT_MERGE,     /* merged tiles are later than all others */
    EVENT_PLANT_LOAD,      /* what was there before a load stays */
    EVENT_PLANT_PAST,      /* everything is known of every past time */
    EVENT_PLANTS
};

extern const char *const event_plant_names[EVENT_PLANTS];

#endif
