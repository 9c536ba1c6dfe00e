//! Tests of the whole on real parts: a real API server, the real binary, and
//! an OMS simulator that keeps OMS's rules.

mod acts;
mod adoption;
mod all_namespaces;
mod api_rules;
mod apply;
mod check;
mod cluster;
mod connections;
mod crash;
mod departure;
mod examples;
mod failures;
mod invalid;
mod kstatus;
mod kubectl;
mod layering;
mod leader;
mod meanwhile;
mod minimal;
mod probes;
mod process;
mod progress;
mod protocol;
mod races;
mod recreate;
mod rest;
mod restore;
mod schema;
mod sharing;
mod vendor;
mod waiting;
mod wishes;
mod world;
mod writes;
