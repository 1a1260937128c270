//! Scenarios on a real control plane. They are played where `RUN_SLOW_TESTS=1` is set; each has a control plane of its own.

mod api_server;
mod cluster;
mod definitions;
mod give_back;
mod placement;
mod scale_down;
mod scale_up;
mod stage_itself;
mod upgrade;
