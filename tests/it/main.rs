//! Tests of the whole on real parts: a real API server, the real binary, and
//! an OMS simulator that keeps OMS's rules.

mod crash;
mod protocol;
mod world;
