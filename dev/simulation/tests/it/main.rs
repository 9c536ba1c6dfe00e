//! The simulation, tested; and as much of what it tests as every run of the tests has the time for.

mod simulated;
