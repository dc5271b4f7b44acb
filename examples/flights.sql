-- SPDX-License-Identifier: Apache-2.0
-- Flights from New York: what is known of an aircraft, and of an airport, just
-- before a departure. The data are in examples/data.

CREATE ENTITY aircraft (tailnum STRING);
CREATE ENTITY airport (faa STRING);

-- What the registry says; it does not age.
CREATE FEATURE VIEW aircraft_profile (
    manufacturer STRING,
    model        STRING,
    year_built   INT32,
    engines      INT32 DEFAULT 2,
    seats        INT32 DEFAULT 150
) FOR aircraft;

-- The last seven days, as of each departure from New York. An aircraft not seen
-- there for three days is somewhere else.
CREATE FEATURE VIEW aircraft_activity (
    flights_7d       INT64 DEFAULT 0,
    mean_delay_7d    FLOAT32 DEFAULT 12.5,
    last_delay       FLOAT32 DEFAULT 0,
    miles_7d         INT64 DEFAULT 0,
    last_destination STRING
) FOR aircraft WITH (ttl = '3 days');

-- Traffic from and to New York in minutes of delay, and the weather where it is
-- observed, by the hour.
CREATE FEATURE VIEW airport_traffic (
    departures_3h          INT64 DEFAULT 0,
    mean_delay_3h          FLOAT32 DEFAULT 0,
    arrivals_24h           INT64 DEFAULT 0,
    mean_arrival_delay_24h FLOAT32 DEFAULT 0,
    temp_c                 FLOAT32,
    wind_ms                FLOAT32,
    visibility_km          FLOAT32 DEFAULT 16.1
) FOR airport WITH (ttl = '6 hours');

-- The inputs of examples/score.c: one airport view in two roles.
CREATE FEATURE SERVICE departure_v1 AS
    aircraft_profile(seats, year_built),
    aircraft_activity(flights_7d, mean_delay_7d, last_delay),
    airport_traffic(departures_3h, mean_delay_3h, temp_c, wind_ms,
                    visibility_km) AS origin (faa AS origin_faa),
    airport_traffic(arrivals_24h, mean_arrival_delay_24h)
        AS destination (faa AS destination_faa);
