//! The executable of Madang: JSON API, worker and administration.

mod app;
mod auth;
mod call;
mod commands;
mod guard;
mod handlers;
mod limits;
mod names;
mod oidc;
mod openapi;
mod problem;
mod programme;
mod routes;
mod schemas;
mod serve;
mod shelf;

use std::process::ExitCode;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Several TLS providers could be linked; the choice is made once, before any connection.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        eprintln!("madang: a TLS provider was already installed");
        return ExitCode::FAILURE;
    }
    let command = commands::Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("madang: failed to start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(commands::run(command)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("madang: {error:#}");
            ExitCode::FAILURE
        }
    }
}
