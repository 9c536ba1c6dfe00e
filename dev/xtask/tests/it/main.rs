//! Whether what is told and shipped beside the code is true.

mod deploy;
mod docs;
