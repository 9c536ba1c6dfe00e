//! An OceanBase Migration Service to talk to.
