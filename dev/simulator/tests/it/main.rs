//! The simulator from outside: its core under a manual clock, and its server.

mod admin;
mod details;
mod faults;
mod gates;
mod lifecycle;
mod lists;
mod replies;
mod server;
mod support;
