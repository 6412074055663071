//! The screen without a terminal: what keys do, and what every pane looks like.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod audit;
mod charts;
mod columns;
#[path = "../common/mod.rs"]
mod common;
mod compare;
mod conflict;
mod customerio;
mod dead_letters;
mod delivery;
mod detail;
mod events;
mod filters;
mod fixture;
mod frame;
mod group;
mod home;
mod keys;
mod lists;
mod looks;
mod mouse;
mod mouse_overlays;
mod numbers;
mod palette;
mod privacy;
mod range;
mod relay;
mod rows;
mod rules;
mod sixteen;
mod watches;
mod why;
