//! Whether what is told and shipped beside the code is true.

mod chart;
mod deploy;
mod docs;
